"""Products with the matrix of Gauss-Newton are J'HJ, with J and H in memory, whatever the loss does with the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import nn, ops
from ddtrain.autodiff import checkpoint, grad, hessian, jacobian
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import UsageError
from ddtrain.optim import GaussNewton, HessianFree, Optim
from ddtrain.trainer.config.config import Run
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.step.trial_passes import TrialPasses
from ddtrain.trainer.task import Task
from helpers import largest_difference, sgd_config, train
from worlds import World

N, IN, OUT = 11, 4, 3
RNG = onp.random.default_rng(0)
X, LABELS, TARGETS = RNG.standard_normal((N, IN)), RNG.integers(0, OUT, N), RNG.standard_normal((N, OUT))


class Tall(nn.Module):
    """One hidden layer, with batch-norm over all ranks, and outputs that ``pack`` puts into a structure."""

    def __init__(self, pack: Callable[..., Any] = lambda hidden, out: out) -> None:
        self.first, self.norm, self.head = nn.Linear(IN, 5), nn.BatchNorm(5), nn.Linear(5, OUT)
        self.pack = pack

    def forward(self, x: Any) -> Any:
        hidden = nn.functional.tanh(self.norm(self.first(x)))
        return self.pack(hidden, self.head(hidden))


def squares(difference: Any) -> Any:
    return np.sum(difference * difference, axis=1)


def parts_of_two(model: Any, x: Any, labels: Any, targets: Any) -> Any:
    found = model(x)
    return ops.cross_entropy(found["out"], labels) + 0.1 * np.sum(found["more"][0] ** 4, axis=1)


# by name: the model; the loss; the outputs, a list of arrays; and the loss of these and the parameters
CASES: dict[str, tuple[Any, Any, Any, Any]] = {
    "cross-entropy": (
        Tall(),
        lambda model, x, labels, targets: (ops.cross_entropy(model(x), labels), {"one": onp.ones(len(x))}),
        lambda model: [model(X)],
        lambda outputs, values: ops.cross_entropy(outputs[0], LABELS),
    ),
    "squared error": (
        Tall(),
        lambda model, x, labels, targets: squares(model(x) - targets),
        lambda model: [model(X)],
        lambda outputs, values: squares(outputs[0] - TARGETS),
    ),
    "two outputs, and what is none": (
        Tall(lambda hidden, out: {"out": out, "more": (hidden, None, onp.arange(3), 2.0)}),
        parts_of_two,
        lambda model: [model(X)["out"], model(X)["more"][0]],
        lambda outputs, values: ops.cross_entropy(outputs[0], LABELS) + 0.1 * np.sum(outputs[1] ** 4, axis=1),
    ),
    "called twice, on what it returned": (
        Tall(),
        lambda model, x, labels, targets: ops.cross_entropy(
            model(x) * model(np.concatenate([model(x), x[:, :1]], axis=1)), labels
        ),
        lambda model: [model(X), model(X), model(np.concatenate([model(X), X[:, :1]], axis=1))],
        lambda outputs, values: ops.cross_entropy(outputs[0] * outputs[2], LABELS),
    ),
    "a penalty on parameters": (
        Tall(),
        lambda model, x, labels, targets: squares(model(x) - targets) + np.sum(model.head.weight**4),
        lambda model: [model(X)],
        lambda outputs, values: squares(outputs[0] - TARGETS) + np.sum(values["head.weight"] ** 4),
    ),
    "parts of the model, one after the other": (
        Tall(),
        lambda model, x, labels, targets: ops.cross_entropy(model.head(np.exp(model.first(x))), labels),
        lambda model: [model.first(X), model.head(np.exp(model.first(X)))],
        lambda outputs, values: ops.cross_entropy(outputs[1], LABELS),
    ),
    "no call": (
        Tall(),
        lambda model, x, labels, targets: x[:, 0] ** 2 * np.sum(np.sin(model.head.weight) * model.first.weight[0, 0]),
        lambda model: [],
        lambda outputs, values: X[:, 0] ** 2 * np.sum(np.sin(values["head.weight"]) * values["first.weight"][0, 0]),
    ),
}


def task_of(model: nn.Module, loss: Any) -> Task:
    return Task(model, loss, train=(X, LABELS, TARGETS))


def product_of(comm: Any, task: Task, v: Any, times: str = "gauss_newton_product", **sections: Any) -> Any:
    """The product on this rank, gathered from all spans of the node."""
    config = sgd_config(batch_size=N, optim=Optim(name="gauss_newton"), **sections)
    train_step = build_step(comm, task, config)
    getattr(TrialPasses(train_step, 0, onp.arange(N)), times)(v.astype(train_step.store.dtype))
    spans, grads = train_step.reducer.spans, train_step.gradient_buffer.grads
    return [(span, grads[span].copy()) for span in spans]


def whole(found: list[Any], n: int) -> Any:
    """The vector of which each rank has its spans."""
    vector = onp.full(n, onp.nan)
    for span, part in (piece for pieces in found for piece in pieces):
        vector[span] = part
    return vector


def dense(task: Task, outputs_of: Any, loss_of: Any) -> tuple[Any, Any]:
    """J'HJ with parameters as further outputs, and the Hessian, in the order of the flat vector."""
    store = build_step(LocalCommunicator(), task, sgd_config(batch_size=N)).store

    def values_of(flat: Any) -> Any:
        places = zip(store.names, store.spans, store.value_views, strict=True)
        return {name: np.reshape(flat[span], view.shape) for name, span, view in places} | dict(store.state_views)

    def outputs(flat: Any) -> Any:
        return np.concatenate(
            [np.ravel(x) for x in outputs_of(task.model.bind(values_of(flat), training=True))] + [flat]
        )

    shapes = [x.shape for x in outputs_of(task.model.bind(values_of(store.values), training=True))]

    def loss(joined: Any) -> Any:
        arrays, at = [], 0
        for shape in shapes:
            size = int(onp.prod(shape))
            arrays.append(np.reshape(joined[at : at + size], shape))
            at += size
        return np.mean(loss_of(arrays, values_of(joined[at:])))

    flat = store.values.copy()
    j, h = jacobian(outputs)(flat), hessian(loss)(outputs(flat))
    return j.T @ h @ j, hessian(lambda flat: loss(outputs(flat)))(flat)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("spec", ["local", "threads:3", "nodes:001"])
def test_products_are_those_of_the_matrix(name: str, spec: str) -> None:
    model, loss, outputs_of, loss_of = CASES[name]
    matrix, whole_hessian = dense(task_of(model, loss), outputs_of, loss_of)
    v = onp.random.default_rng(3).standard_normal(len(matrix))
    found = World(spec).run(lambda comm: product_of(comm, task_of(model, loss), v))
    # sums of some ten products of numbers of order one, in float64
    onp.testing.assert_allclose(whole(found, len(matrix)), matrix @ v, rtol=1e-9, atol=1e-12)
    differs = onp.abs(matrix - whole_hessian).max()
    assert differs < 1e-12 if name == "no call" else differs > 1e-3


@pytest.mark.parametrize("times", ["gauss_newton_product", "hessian_product"])
def test_a_linear_models_matrix_is_the_hessian(times: str) -> None:
    task = task_of(nn.Linear(IN, OUT), CASES["cross-entropy"][1])
    _, matrix = dense(task, CASES["cross-entropy"][2], CASES["cross-entropy"][3])
    v = onp.random.default_rng(3).standard_normal(len(matrix))
    found = whole([product_of(LocalCommunicator(), task, v, times)], len(matrix))
    onp.testing.assert_allclose(found, matrix @ v, rtol=1e-11, atol=1e-13)


def test_a_step_of_softmax_regression_is_newtons() -> None:
    """With conjugate gradients to the end, and a Hessian that is singular along what softmax does not see."""
    task = task_of(nn.Linear(IN, OUT), CASES["cross-entropy"][1])
    exact = GaussNewton(tolerance=1e-13, form="pure")
    found, expected = (
        train(LocalCommunicator(), 1, sgd_config(batch_size=N, optim=method), task)
        for method in (exact, HessianFree(tolerance=1e-13))
    )
    assert largest_difference(found, expected) < 1e-9


@pytest.mark.parametrize("spec", ["threads:3", "nodes:001"])
def test_shards_give_the_same_bits_and_accumulated_ones_the_same_sum(spec: str) -> None:
    model, loss, *_ = CASES["two outputs, and what is none"]
    task = task_of(model, loss)
    n = build_step(LocalCommunicator(), task, sgd_config(batch_size=N)).store.values.size
    v = onp.random.default_rng(3).standard_normal(n)
    shards = Run(dtype="float64", shards=13)  # more than samples, so that some are empty
    alone = whole([product_of(LocalCommunicator(), task, v, run=shards)], n)
    onp.testing.assert_array_equal(whole(World(spec).run(lambda comm: product_of(comm, task, v, run=shards)), n), alone)
    twice = Run(dtype="float64", accumulate=2)
    found = whole(World(spec).run(lambda comm: product_of(comm, task, v, run=twice)), n)
    onp.testing.assert_allclose(found, alone, rtol=1e-9, atol=1e-12)


def test_float32_is_float64_to_its_precision() -> None:
    model, loss, *_ = CASES["cross-entropy"]
    task = task_of(model, loss)
    n = build_step(LocalCommunicator(), task, sgd_config(batch_size=N)).store.values.size
    v = onp.random.default_rng(3).standard_normal(n)
    single, double = (
        whole([product_of(LocalCommunicator(), task, v, run=Run(dtype=dtype))], n)  # type: ignore[arg-type]
        for dtype in ("float32", "float64")
    )
    # a few hundred roundings of 6e-8 on the way, of numbers up to ten times as large as the result
    onp.testing.assert_allclose(single, double, rtol=1e-4, atol=1e-4 * onp.abs(double).max())
    assert (single != double).any()


class Kept(Tall):
    """A module within the model, which a subclass has called again on the way back, when nothing is recorded."""

    remembered: Callable[..., Any] = staticmethod(lambda fun: fun)

    def __init__(self) -> None:
        super().__init__()
        self.tanh = nn.Tanh()

    def forward(self, x: Any) -> Any:
        return self.head(self.remembered(lambda weight, x: self.tanh(np.dot(x, weight)))(self.first.weight, x))


class Recomputed(Kept):
    remembered = staticmethod(checkpoint)


def test_a_checkpoint_within_the_model_runs_again_within_the_model() -> None:
    loss = CASES["cross-entropy"][1]
    n = build_step(LocalCommunicator(), task_of(Kept(), loss), sgd_config(batch_size=N)).store.values.size
    v = onp.random.default_rng(3).standard_normal(n)
    again, kept = (
        whole([product_of(LocalCommunicator(), task_of(model, loss), v)], n) for model in (Recomputed(), Kept())
    )
    onp.testing.assert_allclose(again, kept, rtol=1e-12, atol=1e-14)


def test_a_loss_that_differentiates_the_outputs_is_refused() -> None:
    def loss(model: Any, x: Any, labels: Any, targets: Any) -> Any:
        slope = grad(lambda x: np.sum(model(x)))(x)
        return squares(model(x) - targets) + np.sum(slope * slope, axis=1)

    v = onp.ones(5 * IN + 5 + 10 + 5 * OUT + OUT)
    with pytest.raises(UsageError, match="the loss differentiates what Tall returns, so it is no function of the out"):
        product_of(LocalCommunicator(), task_of(Tall(), loss), v)
    product_of(LocalCommunicator(), task_of(Tall(), loss), v, "hessian_product")


def test_outputs_in_an_object_are_refused() -> None:
    class Box:
        def __init__(self, x: Any) -> None:
            self.x = x

    model = Tall(lambda hidden, out: Box(out))
    task = task_of(model, lambda model, x, labels, targets: squares(model(x).x - targets))
    with pytest.raises(UsageError, match="Tall returned a Box to the loss, whose arrays cannot be told apart"):
        product_of(LocalCommunicator(), task, onp.ones(5 * IN + 5 + 10 + 5 * OUT + OUT))
