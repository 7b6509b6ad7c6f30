"""``checkpoint``: the same derivatives, less memory, and a word to those who close over traced values."""

import contextvars
import tracemalloc

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import check_grads, checkpoint, grad, jvp, vjp
from ddtrain.errors import DerivativeError
from ddtrain.plan import const_graph

X = onp.array([0.3, -0.8])


def layer(p, x, power=2):
    return {"y": np.tanh(p["w"] * x) ** power, "count": 3}


def test_the_same_in_both_modes_to_third_order():
    once = checkpoint(layer)
    check_grads(lambda p, x: once(p, x, power=3)["y"], order=3)({"w": X}, 2 * X)
    assert once({"w": X}, X)["count"] == 3
    for f in (layer, once):
        value, (g, h) = (lambda out: (out[0], out[1]({"y": X, "count": 0})))(vjp(f, {"w": X}, X))
        onp.testing.assert_allclose(g["w"] * X, h * X, rtol=1e-14)
        onp.testing.assert_allclose(value["y"], onp.tanh(X * X) ** 2)


def test_nested_and_under_other_traces():
    inner = checkpoint(np.sin)
    outer = checkpoint(lambda x: inner(x) * checkpoint(np.exp)(x))
    check_grads(outer, order=3)(X)
    assert const_graph(outer)(0.5) == np.sin(0.5) * np.exp(0.5)
    assert jvp(outer, (0.0,), (1.0,))[1] == 1.0


def test_runs_again_once_for_all_arguments():
    calls = []
    f = checkpoint(lambda x, y: calls.append("run") or np.sum(x * y))
    grad(f, (0, 1))(X, X)
    assert calls == ["run", "run"]
    f(X, X)
    assert len(calls) == 3


def test_keyword_arguments_carry_derivatives():
    assert grad(lambda x: checkpoint(lambda *, y: y**2)(y=x))(3.0) == 6.0


def test_no_more_than_one_segment_at_a_time():
    n, depth, segments = 50_000, 10, 6

    def segment(x):
        for _ in range(depth):
            x = np.sin(x)
        return x

    def peak(part):
        def deep(x):
            for _ in range(segments):
                x = part(x)
            return np.sum(x)

        tracemalloc.start()
        try:
            grad(deep)(onp.ones(n))
            return tracemalloc.get_traced_memory()[1] / (8 * n)  # in arrays
        finally:
            tracemalloc.stop()

    assert peak(segment) > depth * segments
    assert peak(checkpoint(segment)) < segments + depth + 6  # a result each, one segment's steps, a few cotangents


def test_it_runs_again_where_it_ran_first():
    """In the context of its first run, such as the communicator's, though the derivative is walked outside of it."""
    factor = contextvars.ContextVar("factor", default=1.0)
    f = checkpoint(lambda x: factor.get() * np.sin(x))
    inside = contextvars.copy_context()
    inside.run(factor.set, 10.0)
    value, pull = inside.run(vjp, f, X)
    onp.testing.assert_array_equal(value, 10 * onp.sin(X))
    (g,) = pull(onp.ones(2))
    onp.testing.assert_array_equal(g, 10 * onp.cos(X))


def test_closing_over_a_traced_value():
    with pytest.raises(DerivativeError, match=r"checkpoint: .* uses a traced value that is not among its arguments"):
        grad(lambda x: checkpoint(lambda y: x * y)(x))(2.0)
    with pytest.raises(DerivativeError, match="not among its arguments"):  # of the outer of two traces
        grad(lambda x: grad(lambda z: checkpoint(lambda y: z * y)(x) * z)(2.0))(2.0)
    # a value of an outer trace alone is a constant to the inner one, and no trouble
    assert grad(lambda a: grad(lambda b: checkpoint(lambda z: z * z * a)(b))(3.0))(2.0) == 6.0
