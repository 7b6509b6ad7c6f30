"""The sum over ranks and its derivatives: a cotangent is the derivative of the sum of all ranks' losses."""

from __future__ import annotations

import threading
from typing import Any

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import ops
from ddtrain.autodiff import check_grads, grad, graph, hvp, jvp, make_vjp, record
from ddtrain.ops import collectives
from worlds import World


def on_ranks(size: int, body: Any) -> list[Any]:
    """``body(rank)`` on each of ``size`` ranks, with the communicator in context: the results by rank."""

    def within(comm: Any) -> Any:
        with ops.use_communicator(comm):
            return body(comm.rank)

    return World(f"threads:{size}").run(within)


class Idle:
    """A communicator that nobody sends through."""

    size = 2


X = onp.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.25]])  # a row a rank


def rank_loss(x: Any, rank: int) -> Any:
    """A loss of rank's own, nonlinear in the sum: (rank + 1) * sum(total³)."""
    return (rank + 1.0) * np.sum(ops.allreduce(x) ** 3)


def test_alone_it_is_the_identity() -> None:
    assert ops.communicator() is None
    assert ops.allreduce(X) is X
    onp.testing.assert_array_equal(grad(lambda x: rank_loss(x, 0))(X[0]), 3 * X[0] ** 2)


@pytest.mark.parametrize("size", [2, 3])
def test_sum_gradient_tangent_and_curvature(size: int) -> None:
    total = X[:size].sum(0)
    weights = size * (size + 1) / 2  # 1 + 2 + ...: every rank's loss depends on every rank's x
    vs = onp.array([[0.5, -1.0], [2.0, 1.0], [-0.25, 3.0]])

    def body(rank: int) -> tuple[Any, ...]:
        x = X[rank]
        return (
            ops.allreduce(x),
            grad(rank_loss)(x, rank),
            jvp(lambda x: rank_loss(x, rank), (x,), (vs[rank],))[1],
            hvp(lambda x: rank_loss(x, rank), (x,), vs[rank]),
        )

    v = vs[:size].sum(0)
    for rank, (y, g, tangent, second) in enumerate(on_ranks(size, body)):
        onp.testing.assert_allclose(y, total)
        onp.testing.assert_allclose(g, weights * 3 * total**2)
        onp.testing.assert_allclose(tangent, (rank + 1) * onp.sum(3 * total**2 * v))
        onp.testing.assert_allclose(second, weights * 6 * total * v)


def test_a_derivative_walked_outside_the_context_sums_over_ranks() -> None:
    def within(comm: Any) -> Any:
        with ops.use_communicator(comm):
            pull, _ = make_vjp(rank_loss)(X[comm.rank], comm.rank)
        assert ops.communicator() is None
        return pull(1.0)

    for g in World("threads:2").run(within):
        onp.testing.assert_allclose(g, 3 * 3 * X[:2].sum(0) ** 2)


def test_fan_in_and_fan_out_are_each_others_transposes_and_allreduce_is_both() -> None:
    """Dot products of one value count it once, those of one value a rank add over ranks."""
    us = onp.array([[0.5, -1.0], [2.0, 1.0], [-0.25, 3.0]])  # one a rank
    w = onp.array([2.0, -3.0])  # one value

    def body(comm: Any) -> tuple[Any, ...]:
        x, u = X[comm.rank], us[comm.rank]
        summed, handed = (lambda x: ops.fan_in(x, comm)), (lambda x: ops.fan_out(x, comm))
        both = lambda x: handed(summed(x))
        return (
            *(make_vjp(summed)(x)[1], make_vjp(summed)(x)[0](w), jvp(summed, (x,), (u,))[1]),
            *(make_vjp(handed)(w)[1], make_vjp(handed)(w)[0](u), jvp(handed, (w,), (w,))[1]),
            *(both(x), make_vjp(both)(x)[0](u), jvp(both, (x,), (u,))[1]),
        )

    x, u = X.sum(0), us.sum(0)
    for found in World("threads:3").run(body):
        for result, expected in zip(found, (x, w, u, w, u, w, x, u, u), strict=True):
            onp.testing.assert_allclose(result, expected)


@pytest.mark.parametrize("other", [onp.array([2.0, 3.0, 4.0]), onp.array(2.0)], ids=["vector", "number"])
def test_tied_to_others_the_derivative_is_a_zero_that_stays_tied(other: Any) -> None:
    constant = lambda y: collectives.tied(X, y)
    g, t = grad(lambda y: np.sum(constant(y)))(other), jvp(constant, (other,), (other,))[1]
    onp.testing.assert_array_equal(g, onp.zeros(other.shape))
    onp.testing.assert_array_equal(t, onp.zeros(X.shape))
    # under an outer trace both are still functions of y, which is what they are tied for
    assert "tied" in str(graph(grad(lambda y: np.sum(constant(y))), other))
    assert "tied" in str(graph(lambda y: jvp(constant, (y,), (y,))[1], other))
    check_grads(lambda x, y: collectives.tied(x**2, y) * np.sum(y))(X, other)


def test_the_derivative_in_what_is_tied_is_tied_too() -> None:
    """A rank whose part is constant comes to the collectives of its derivative's derivative, too."""
    other = onp.array([2.0, 3.0, 4.0])
    of_x = lambda y: grad(lambda x: np.sum(collectives.tied(x, y)))(X)
    tangent = lambda y: jvp(lambda x: collectives.tied(x, y), (X,), (X,))[1]
    for derivative in (of_x, tangent):
        _, _, end = record(derivative, [other])
        assert end is not None, "a function of y, though a constant one"
    onp.testing.assert_array_equal(of_x(other), onp.ones(X.shape))
    onp.testing.assert_array_equal(tangent(other), X)


def test_the_input_is_not_written_to() -> None:
    def body(rank: int) -> Any:
        x = X[rank].copy()
        x.flags.writeable = False
        ops.allreduce(x)
        return x

    onp.testing.assert_array_equal(on_ranks(2, body), X[:2])


def test_context_ends_with_the_block_and_nests() -> None:
    outer, inner = Idle(), Idle()
    with ops.use_communicator(outer):
        with ops.use_communicator(inner):
            assert ops.communicator() is inner
        assert ops.communicator() is outer
        with ops.use_communicator(None):
            assert ops.communicator() is None
    assert ops.communicator() is None


def test_context_ends_with_an_error() -> None:
    with pytest.raises(RuntimeError), ops.use_communicator(Idle()):
        raise RuntimeError
    assert ops.communicator() is None


def test_another_thread_does_not_inherit_it() -> None:
    seen: list[Any] = []
    with ops.use_communicator(Idle()):
        thread = threading.Thread(target=lambda: seen.append(ops.communicator()))
        thread.start()
        thread.join()
    assert seen == [None]
