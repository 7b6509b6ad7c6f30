"""Derivatives over ranks: any division of the samples is one rank with all of them, to third order.

What would make these fail: a sum over ranks left out or made twice, in whichever order of derivative and mode; a mean
of means; batch-norm that is not synchronised when differentiated twice; a rank without samples that stays away from a
collective; an outer derivative that has lost the communicator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import dp_hvp, dp_jvp, dp_value_and_grad, model_loss, nn, ops, tree
from ddtrain.autodiff import checkpoint, grad, hvp, jvp
from ddtrain.errors import DerivativeError, ShapeError, UsageError
from ddtrain.ops import collectives
from ddtrain.rng import SampleRng, stream
from ddtrain.trainer import dp_derivatives
from helpers import FEATURES, SAMPLES, Net, loss, make_task
from worlds import World

RAGGED = {1: [], 2: [9], 3: [4, 15], 4: [3, 9, 20]}
EMPTY = {1: [], 2: [0], 3: [8, 8], 4: [0, 11, 11]}
EXACT = 1e-10  # of a figure's largest component: thousands of roundings of 1e-16, and batch-norm's divisions


class Picture(nn.Module):
    """A convolutional network that sees the same samples as pictures of 2 x 3 pixels."""

    def __init__(self) -> None:
        self.layers = nn.Sequential(
            nn.Conv2d(1, 3, 2, padding=1), nn.BatchNorm(3), nn.tanh(), nn.MaxPool2d(2, stride=1), nn.Conv2d(3, 2, 2)
        )
        self.head = nn.Linear(4, 4)

    def forward(self, x: Any) -> Any:
        return self.head(self.layers(x.reshape(-1, 2, 3, 1)).reshape(-1, 4))


MODELS = {"perceptron": Net(), "picture": Picture()}


@dataclass
class Job:
    """A model at its initial values, with all samples and two directions."""

    model: nn.Module

    def __post_init__(self) -> None:
        self.values = self.model.init(0, "float64")
        self.batch = make_task().train.batch(onp.arange(SAMPLES))
        params = model_loss(self.model, loss, self.values)[1]
        draw = lambda seed: {name: stream(seed, name).standard_normal(x.shape) for name, x in params.items()}
        self.params, self.u, self.v = params, draw(1), draw(2)

    def part(self, rank: int, cuts: list[int]) -> tuple[Any, list[Any]]:
        """A rank's loss, which draws the dropout of its own samples, and those samples."""
        rng = SampleRng(0, 5, ([0, *cuts])[rank])
        return model_loss(self.model, loss, self.values, rng)[0], [onp.split(x, cuts)[rank] for x in self.batch]


def dot(a: Any, b: Any) -> Any:
    return sum(np.sum(x * y) for x, y in zip(tree.flatten(a)[0], tree.flatten(b)[0], strict=True))


def figures(value: Any, gradient: Any, product: Any, push: Any, p: Any, u: Any, v: Any) -> dict[str, Any]:
    """Every derivative there is of a scalar function up to second order, and some of third."""
    return {
        "value": value(p),
        "gradient": gradient(p),
        "hvp": product(p, v),
        "jvp": push(p, v),
        "gradient of value": grad(value)(p),
        "gradient of jvp": grad(lambda p: push(p, v)[1])(p),
        "jvp of gradient": jvp(gradient, (p,), (v,))[1],
        "gradient of gradient": grad(lambda p: dot(u, gradient(p)))(p),
        "jvp of hvp": jvp(lambda p: product(p, v), (p,), (u,))[1],
        "gradient of hvp": grad(lambda p: dot(u, product(p, v)))(p),
        "gradient of hvp by v": grad(lambda v: dot(u, product(p, v)))(v),
        "scaled": grad(lambda s: dot(u, grad(lambda p: s * value(p))(p)))(1.5),
    }


def on_one_rank(job: Job) -> dict[str, Any]:
    own, batch = job.part(0, [])
    return by_ordinary_operators(lambda p: np.sum(own(p, *batch)) / SAMPLES, job.params, job.u, job.v)


def by_ordinary_operators(mean: Any, *puv: Any) -> dict[str, Any]:
    return figures(mean, grad(mean), lambda p, v: hvp(mean, (p,), v), lambda p, v: jvp(mean, (p,), (v,)), *puv)


def over_ranks(comm: Any, job: Job, cuts: list[int]) -> dict[str, Any]:
    return by_ranks(comm, *job.part(comm.rank, cuts), job.params, job.u, job.v)


def by_ranks(comm: Any, own: Any, shard: Any, *puv: Any) -> dict[str, Any]:
    both, product, push = dp_value_and_grad(own, comm), dp_hvp(own, comm), dp_jvp(own, comm)
    return figures(
        lambda p: both(p, *shard)[0],
        lambda p: both(p, *shard)[1],
        lambda p, v: product(p, v, *shard),
        lambda p, v: push(p, v, *shard),
        *puv,
    )


def errors(found: dict[str, Any], expected: dict[str, Any]) -> dict[str, float]:
    """Of each figure, the largest error by the largest component."""
    pairs = {name: (_vector(found[name]), _vector(expected[name])) for name in expected}
    return {name: float(onp.abs(a - b).max() / onp.abs(b).max()) for name, (a, b) in pairs.items()}


def _vector(x: Any) -> Any:
    return onp.concatenate([onp.ravel(leaf) for leaf in tree.flatten(x)[0]])


@pytest.fixture(scope="module")
def expected() -> dict[str, dict[str, Any]]:
    return {name: on_one_rank(Job(model)) for name, model in MODELS.items()}


@pytest.mark.parametrize("cuts", [RAGGED, EMPTY], ids=["ragged", "empty"])
@pytest.mark.parametrize("name", MODELS)
def test_any_division_is_one_rank(world: World, name: str, cuts: dict[int, list[int]], expected: Any) -> None:
    results = world.run(lambda comm: over_ranks(comm, Job(MODELS[name]), cuts[comm.size]))
    for found in results:
        assert max(errors(found, expected[name]).values()) < EXACT
        for a, b in zip(tree.flatten(found)[0], tree.flatten(results[0])[0], strict=True):
            onp.testing.assert_array_equal(a, b)  # all ranks have the same bits


@pytest.mark.mpi
def test_processes_are_one_rank(comm: Any) -> None:
    for model in MODELS.values():
        for cuts in (RAGGED, EMPTY):
            found = over_ranks(comm, Job(model), cuts[comm.size])
            assert max(errors(found, on_one_rank(Job(model))).values()) < EXACT


def test_one_rank_is_the_ordinary_operators() -> None:
    job = Job(Net())
    own, batch = job.part(0, [])
    mean = lambda p: np.sum(own(p, *batch)) / SAMPLES
    result = World("local").run(lambda comm: dp_hvp(own, comm)(job.params, job.v, *batch))[0]
    for name, x in hvp(mean, (job.params,), job.v).items():
        onp.testing.assert_array_equal(result[name], x)


# Mutations: each reduction left out, or made once too often, is wrong by far more than rounding.

identity, summed = lambda g, ans, x, comm=None, layer="": g, lambda g, ans, x, comm=None: ops.fan_in(g, comm)
MODES = {"vjp": "vjps", "jvp": "jvps"}
MUTATIONS: dict[str, tuple[Any, str, Any, set[str]]] = {
    "the parameters' gradient is each rank's own": (ops.fan_out, "vjps", identity, {"gradient of value"}),
    "a tangent is summed on its way in": (ops.fan_out, "jvps", summed, {"jvp of gradient", "jvp of hvp"}),
    "a cotangent is summed on its way in": (ops.fan_in, "vjps", summed, {"gradient of value", "gradient of hvp by v"}),
    "a result's tangent is each rank's own": (ops.fan_in, "jvps", identity, {"jvp of gradient", "jvp of hvp"}),
    "the model's cotangent is each rank's own": (collectives._allreduce, "vjps", identity, {"hvp", "jvp of gradient"}),
    "the model's tangent is each rank's own": (collectives._allreduce, "jvps", identity, {"hvp", "jvp"}),
}
FIRST = {"value", "gradient", "hvp", "jvp"}


@pytest.mark.parametrize("name", MUTATIONS)
def test_every_sum_counts(name: str, monkeypatch: pytest.MonkeyPatch, expected: Any) -> None:
    primitive, mode, rule, wrong = MUTATIONS[name]
    monkeypatch.setitem(getattr(primitive, mode), 0, rule)
    for found in World("threads:3").run(lambda comm: over_ranks(comm, Job(MODELS["perceptron"]), RAGGED[3])):
        error = errors(found, expected["perceptron"])
        assert min(error[figure] for figure in wrong) > 1e-3, error


def test_the_sum_at_the_end_counts(monkeypatch: pytest.MonkeyPatch, expected: Any) -> None:
    monkeypatch.setattr(dp_derivatives, "_sum", lambda x, comm, *copies: x)
    for found in World("threads:3").run(lambda comm: over_ranks(comm, Job(MODELS["perceptron"]), RAGGED[3])):
        error = errors(found, expected["perceptron"])
        assert min(error[figure] for figure in FIRST) > 1e-3, error


def test_synchronising_counts(expected: Any) -> None:
    job = Job(Net(sync=False))
    for found in World("threads:3").run(lambda comm: over_ranks(comm, job, RAGGED[3])):
        assert min(errors(found, expected["perceptron"]).values()) > 1e-3


# What needs no other rank to compare with.


def test_the_hessian_is_symmetric(world: World) -> None:
    def body(comm: Any) -> tuple[float, float]:
        job = Job(Net())
        own, shard = job.part(comm.rank, EMPTY[comm.size])
        product = dp_hvp(own, comm)
        return dot(job.u, product(job.params, job.v, *shard)), dot(job.v, product(job.params, job.u, *shard))

    for uHv, vHu in world.run(body):
        assert abs(uHv) > 0.1
        assert uHv == pytest.approx(vHu, rel=1e-10)


def test_finite_differences_of_the_gradient(world: World) -> None:
    h = 1e-4  # off by h² / 6 third derivatives, 2e-9 of them, and by roundings of 1e-16 / h

    def body(comm: Any) -> float:
        job = Job(Picture())
        own, shard = job.part(comm.rank, RAGGED[comm.size])
        gradient = lambda t: dp_value_and_grad(own, comm)(
            {name: x + t * job.v[name] for name, x in job.params.items()}, *shard
        )[1]
        ahead, behind = gradient(h), gradient(-h)
        numeric = {name: (ahead[name] - behind[name]) / (2 * h) for name in ahead}
        return errors({"hvp": dp_hvp(own, comm)(job.params, job.v, *shard)}, {"hvp": numeric})["hvp"]

    assert max(world.run(body)) < 1e-5


# Losses and parameters of other kinds.

X = make_task().train.batch(onp.arange(SAMPLES))[0]


def quartic(params: Any, x: Any) -> Any:
    """A loss a sample, of parameters in a nested structure; without samples, a constant of no parameter at all."""
    if len(x) == 0:
        return onp.zeros(0)
    return np.sum(np.tanh(x @ params["w"][0]), axis=1) ** 2 * params["scale"] ** 3


def curved(params: Any, x: Any) -> Any:
    """The same without shortcut, recomputed on the way back, and through a sum over ranks."""
    losses = checkpoint(lambda w, x: np.sum(np.tanh(x @ w), axis=1) ** 2)(params["w"][0], x)
    total = checkpoint(lambda losses: ops.allreduce(np.sum(losses)))(losses)
    return np.sin(losses * params["scale"] / total)


W = onp.linspace(-0.1, 0.1, FEATURES * 2).reshape(FEATURES, 2)
PARAMS = {"w": [W], "scale": onp.array(0.7)}
U, V = {"w": [onp.cos(40 * W)], "scale": -0.2}, {"w": [1e3 * W**3], "scale": 0.3}


@pytest.mark.parametrize("cuts", [RAGGED, EMPTY], ids=["ragged", "empty"])
@pytest.mark.parametrize("summed", [False, True], ids=["a loss a sample", "their sum"])
@pytest.mark.parametrize("of", [quartic, curved])
def test_nested_parameters_and_ranks_that_do_not_depend_on_them(world: World, of: Any, summed: bool, cuts: Any) -> None:
    alone = by_ordinary_operators(lambda p: np.sum(of(p, X)) / SAMPLES, PARAMS, U, V)
    own = (lambda p, x: np.sum(of(p, x))) if summed else of
    for found in world.run(lambda comm: by_ranks(comm, own, [onp.split(X, cuts[comm.size])[comm.rank]], PARAMS, U, V)):
        assert tree.paths(found) == tree.paths(alone)
        assert max(errors(found, alone).values()) < EXACT


def test_float32_comes_back_as_float32_and_the_value_in_float64() -> None:
    params = tree.map_leaves(lambda x: x.astype(onp.float32), PARAMS)
    x32 = X.astype(onp.float32)

    def body(comm: Any) -> Any:
        return dp_value_and_grad(quartic, comm)(params, onp.split(x32, RAGGED[2])[comm.rank])

    for value, gradient in World("threads:2").run(body):
        assert value.dtype == onp.float64
        assert value == pytest.approx(onp.mean(quartic(PARAMS, X)), rel=1e-5)
        assert [g.dtype for g in tree.flatten(gradient)[0]] == [onp.float32] * 2
        assert [g.shape for g in tree.flatten(gradient)[0]] == [(), (FEATURES, 2)]


class Counting:
    """Two ranks alike, in one: counts what would be sent."""

    rank, size = 0, 2

    def __init__(self) -> None:
        self.sent: list[int] = []

    def allreduce(self, buf: Any) -> None:
        self.sent.append(buf.size)
        buf *= 2

    def allgather(self, send: Any, out: Any) -> None:
        raise AssertionError("not needed")


def test_one_collective_besides_the_number_of_samples() -> None:
    comm = Counting()
    dp_value_and_grad(quartic, comm)(PARAMS, X)
    assert comm.sent == [1, 1 + 1 + FEATURES * 2]
    comm.sent.clear()
    dp_hvp(quartic, comm)(PARAMS, V, X)
    assert comm.sent == [1, 1 + FEATURES * 2]
    comm.sent.clear()
    dp_jvp(quartic, comm)(PARAMS, V, X)
    assert comm.sent == [1, 2]


def test_the_context_is_left_as_it_was() -> None:
    outer = Counting()
    with ops.use_communicator(outer):
        dp_value_and_grad(quartic, Counting())(PARAMS, X)
        assert ops.communicator() is outer
        with pytest.raises(ShapeError):
            dp_value_and_grad(lambda p, x: x, Counting())(PARAMS, X)
        assert ops.communicator() is outer
    assert ops.communicator() is None


def test_a_model_keeps_its_buffers() -> None:
    job = Job(Net())
    before = {name: x.copy() for name, x in job.values.items()}
    own, shard = job.part(0, [])
    World("local").run(lambda comm: dp_value_and_grad(own, comm)(job.params, *shard))
    assert sorted(job.params) == sorted(name for name, d in Net().declarations().items() if d.trained)
    for name, x in before.items():
        onp.testing.assert_array_equal(job.values[name], x)


@pytest.mark.parametrize("operator", [dp_value_and_grad, dp_hvp, dp_jvp])
@pytest.mark.parametrize(
    ("of", "shard", "kind", "message"),
    [
        (lambda p, x: x * p["scale"], (X,), ShapeError, r"returned an array of shape \(\d+, 6\), where one loss a"),
        (lambda p, x: (quartic(p, x), {}), (X,), ShapeError, "returned a tuple, where one loss a sample"),
        (lambda p: np.sum(p["scale"]), (), UsageError, "returned a sum, but no array among its arguments"),
        (lambda p, x: np.sum(p["scale"]), (1.0,), UsageError, "returned a sum, but no array among its arguments"),
        (quartic, (X[:0],), UsageError, "no rank has a sample"),
    ],
)
def test_misuse_is_told_on_all_ranks(operator: Any, of: Any, shard: Any, kind: Any, message: str) -> None:
    def body(comm: Any) -> str:
        args = (PARAMS,) if operator is dp_value_and_grad else (PARAMS, V)
        with pytest.raises(kind, match=message):
            operator(of, comm)(*args, *shard)
        return "told"

    assert World("threads:2").run(body) == ["told"] * 2


def test_a_direction_of_another_shape() -> None:
    v = {"w": [onp.ones((2, 2))], "scale": 1.0}
    message = r"tangent has shape \(2, 2\) but the argument \(6, 2\)"
    for operator in (dp_hvp, dp_jvp):
        with pytest.raises(DerivativeError, match=message):
            World("threads:2").run(lambda comm, operator=operator: operator(quartic, comm)(PARAMS, v, X))
