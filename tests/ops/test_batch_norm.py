"""Synchronised batch-norm: any division of a batch among ranks is one rank with all of it, to any order.

What would make these fail: means of means, a forgotten or doubled reduction, scale and shift gradients reduced twice,
rows weighted by rank, an empty rank that does not take part, E[x²] - E[x]².
"""

from __future__ import annotations

from typing import Any

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import nn, ops
from ddtrain.autodiff import grad, hvp, value_and_grad
from ddtrain.errors import UsageError
from worlds import World

N, C = 11, 3
CUTS = {1: [], 2: [4], 3: [4, 9]}  # ragged
EMPTY = {2: [0], 3: [5, 5], 4: [2, 5, 5]}  # a rank without rows


def on_ranks(size: int, body: Any) -> list[Any]:
    """``body(comm)`` on each of ``size`` ranks, with the communicator in context: the results by rank."""

    def within(comm: Any) -> Any:
        with ops.use_communicator(comm):
            return body(comm)

    return World("local" if size == 1 else f"threads:{size}").run(within)


def batch(shape: tuple[int, ...] = (N, 2, C), seed: int = 0) -> Any:
    """Rows whose mean and spread depend on their number, so that no two ranks' moments agree."""
    r = onp.random.default_rng(seed)
    rows = onp.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1))
    return r.standard_normal(shape) * (1 + rows / 5) + rows


SCALE, SHIFT = onp.array([0.5, 1.0, -2.0]), onp.array([0.1, 0.0, 0.3])


def loss(x: Any, scale: Any, shift: Any, weight: Any, sync: bool = True, composed: bool = False) -> Any:
    """A nonlinear function of the normalised rows: this rank's share of the loss."""
    op = ops.batch_norm.compose if composed else ops.batch_norm
    return np.sum(np.tanh(op(x, scale, shift, eps=1e-3, sync=sync)) * weight)


def derivatives(size: int, cuts: list[int], sync: bool = True, composed: bool = False) -> dict[str, Any]:
    """Loss, gradients and a Hessian-vector product of the sum of all ranks' losses; rows put together again."""
    x, weight, direction = batch(), batch(seed=1), batch(seed=2)
    parts = list(zip(*(onp.split(a, cuts) for a in (x, weight, direction))))

    def body(comm: Any) -> Any:
        x, weight, direction = parts[comm.rank]
        value, (dx, dscale, dshift) = value_and_grad(loss, (0, 1, 2))(x, SCALE, SHIFT, weight, sync, composed)
        y = ops.batch_norm(x, SCALE, SHIFT, sync=sync)

        def own(x: Any) -> Any:
            return loss(x, SCALE, SHIFT, weight, sync, composed)

        second = hvp(own, (x,), direction)
        again = grad(lambda x: np.sum(grad(own)(x) * direction))(x)  # the same, by reverse over reverse
        return [y, dx, second, again], [value, dscale, dshift]

    results = on_ranks(size, body)
    rows = [onp.concatenate([r[0][i] for r in results]) for i in range(4)]
    sums = [sum(r[1][i] for r in results) for i in range(3)]  # what the reducer does to gradients of parameters
    return dict(zip(["y", "dx", "second", "again", "value", "dscale", "dshift"], rows + sums))


@pytest.fixture(scope="module")
def one_rank() -> dict[str, Any]:
    return derivatives(1, [])


@pytest.mark.parametrize("composed", [False, True], ids=["fused", "composed"])
@pytest.mark.parametrize(("size", "cuts"), [*CUTS.items(), *EMPTY.items()])
def test_any_division_is_one_rank(size: int, cuts: list[int], composed: bool, one_rank: dict[str, Any]) -> None:
    found = derivatives(size, cuts, composed=composed)
    for name, expected in one_rank.items():
        tolerance = 1e-10 if name in ("second", "again") else 1e-12
        onp.testing.assert_allclose(found[name], expected, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("size", [2, 3])
def test_without_synchronising_it_differs(size: int, one_rank: dict[str, Any]) -> None:
    found = derivatives(size, CUTS[size], sync=False)
    for name in ("y", "dx", "dscale", "second"):
        assert onp.abs(found[name] - one_rank[name]).max() > 1e-3, name


def test_on_one_rank_synchronising_changes_nothing(one_rank: dict[str, Any]) -> None:
    found = derivatives(1, [], sync=False)
    for name, expected in one_rank.items():
        onp.testing.assert_array_equal(found[name], expected, err_msg=name)


def test_the_gradient_is_that_of_the_sum_over_ranks() -> None:
    # the mutation this catches: each rank differentiating its own loss alone, wrong by what it owes the others
    x, weight = batch(), batch(seed=1)
    parts = list(zip(onp.split(x, [4]), onp.split(weight, [4])))

    def total(nudged: Any) -> float:
        pieces = onp.split(nudged, [4])
        return float(sum(on_ranks(2, lambda c: float(loss(pieces[c.rank], SCALE, SHIFT, parts[c.rank][1])))))

    dx = onp.concatenate(on_ranks(2, lambda c: grad(loss)(parts[c.rank][0], SCALE, SHIFT, parts[c.rank][1])))
    v, h = batch(seed=3), 1e-5
    numeric = (total(x + h * v) - total(x - h * v)) / (2 * h)
    onp.testing.assert_allclose(onp.sum(dx * v), numeric, rtol=1e-7)  # h² times a third derivative of order one


@pytest.mark.parametrize(("size", "cuts"), [*CUTS.items(), *EMPTY.items()])
@pytest.mark.parametrize("composed", [False, True], ids=["fused", "composed"])
def test_moments_are_those_of_the_whole_batch_on_every_rank(size: int, cuts: list[int], composed: bool) -> None:
    x = batch()
    op = ops.batch_norm.compose if composed else ops.batch_norm

    def body(comm: Any) -> ops.Moments:
        moments = ops.Moments()
        op(onp.split(x, cuts)[comm.rank], SCALE, SHIFT, moments=moments)
        return moments

    for moments in on_ranks(size, body):
        assert moments.count == 2 * N
        onp.testing.assert_allclose(moments.mean, x.mean((0, 1)), rtol=1e-13)
        onp.testing.assert_allclose(moments.variance, x.var((0, 1), ddof=1), rtol=1e-12)


def test_moments_under_a_trace_are_plain_arrays() -> None:
    moments = ops.Moments()
    grad(lambda x: np.sum(ops.batch_norm(x, SCALE, SHIFT, moments=moments)))(batch())
    assert type(moments.mean) is onp.ndarray
    grad(grad(lambda t: np.sum(ops.batch_norm(t * batch(), SCALE, SHIFT, moments=moments))))(1.0)
    assert type(moments.variance) is onp.ndarray


@pytest.mark.parametrize(("composed", "atol"), [(False, 1e-4), (True, 3e-3)], ids=["fused", "composed"])
def test_float32_at_mean_1000(composed: bool, atol: float) -> None:
    # float32 steps by 6e-5 there, which is what the mean is rounded to. The composition adds 4096 numbers one after
    # another, some sqrt(4096) / 2 such steps. E[x²] - E[x]² gave a variance of 0.875, and is wrong by 0.1 and more.
    x = (onp.random.default_rng(0).standard_normal((4096, 2)) + 1000).astype(onp.float32)
    exact = x.astype(float)
    op = ops.batch_norm.compose if composed else ops.batch_norm
    y = op(x, onp.ones(2, onp.float32), onp.zeros(2, onp.float32))
    assert y.dtype == onp.float32
    onp.testing.assert_allclose(y, (exact - exact.mean(0)) / exact.std(0), atol=atol)


def test_constant_channels_and_no_rows_are_finite() -> None:
    def total(x: Any) -> Any:
        return np.sum(ops.batch_norm(x, SCALE, SHIFT) ** 2)

    assert onp.isfinite(grad(total)(onp.full((4, C), 0.1))).all()
    assert grad(total)(onp.zeros((0, C))).shape == (0, C)


def test_inference_uses_what_it_is_given() -> None:
    x = batch()
    moments = ops.Moments()
    y = ops.batch_norm(x, SCALE, SHIFT, moments=moments)
    biased = moments.variance * (moments.count - 1) / moments.count
    onp.testing.assert_allclose(ops.batch_norm_inference(x, moments.mean, biased, SCALE, SHIFT), y, rtol=1e-12)


@pytest.mark.mpi(min_size=2)
def test_processes_are_one_rank(comm: Any) -> None:
    x, weight, cuts = batch(), batch(seed=1), EMPTY[comm.size]
    alone = grad(loss)(x, SCALE, SHIFT, weight)
    mine = [onp.split(a, cuts)[comm.rank] for a in (x, weight, alone)]
    with ops.use_communicator(comm):
        found = grad(loss)(mine[0], SCALE, SHIFT, mine[1])
    onp.testing.assert_allclose(found, mine[2], rtol=1e-12, atol=1e-12)


def test_one_collective_each_way() -> None:
    class Counting:
        rank, size = 0, 2

        def __init__(self) -> None:
            self.calls: list[str] = []

        def allgather(self, send: Any, out: Any) -> None:
            self.calls.append("allgather")
            out[...] = send

        def allreduce(self, buf: Any) -> None:
            self.calls.append("allreduce")
            buf *= 2

    comm = Counting()
    with ops.use_communicator(comm):
        grad(lambda x: np.sum(ops.batch_norm(x, SCALE, SHIFT) ** 2))(batch())
    assert comm.calls == ["allgather", "allreduce"]


ROWS_OF_ONE = {"local": [1], "threads:2": [1, 0], "threads:3": [0, 1, 0]}


@pytest.mark.parametrize("spec", ROWS_OF_ONE)
def test_one_value_over_all_ranks_is_refused_by_all_of_them(spec: str) -> None:
    # PyTorch 2.13: "Expected more than 1 value per channel when training"
    norm = nn.BatchNorm(C)

    def body(comm: Any) -> str:
        bound = norm.bind(norm.init(0, float), training=True)
        with ops.use_communicator(comm), pytest.raises(UsageError, match="one value per channel over all ranks"):
            bound(onp.ones((ROWS_OF_ONE[spec][comm.rank], C)))
        return str(bound.run.updates)

    assert World(spec).run(body) == ["{}"] * len(ROWS_OF_ONE[spec])


def test_one_value_a_rank_is_enough_together_and_says_nothing_of_a_variance_alone() -> None:
    def body(comm: Any) -> list[Any]:
        x, found = batch((2, C))[comm.rank :][:1], []
        for sync in (True, False):
            norm = nn.BatchNorm(C, sync=sync)
            bound = norm.bind(norm.init(0, float), training=True)
            with ops.use_communicator(comm):
                bound(x)
            found.append(bound.run.updates)
        onp.testing.assert_allclose(found[1]["running_mean"], 0.1 * x[0], rtol=1e-15)
        return found

    for together, alone in World("threads:2").run(body):
        onp.testing.assert_allclose(together["running_var"], 0.9 + 0.1 * batch((2, C)).var(0, ddof=1), rtol=1e-13)
        onp.testing.assert_array_equal(alone["running_var"], onp.ones(C))
        assert together["num_batches_tracked"] == alone["num_batches_tracked"] == 1


def test_one_value_has_no_variance() -> None:
    moments = ops.Moments()
    ops.batch_norm(onp.ones((1, C)), SCALE, SHIFT, moments=moments)
    assert moments.count == 1
    assert onp.isnan(moments.variance).all()
