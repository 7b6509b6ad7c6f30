"""Boxes, traces and primitives: nesting, threads, and what a misuse is told."""

import threading

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import Box, defvjp, grad, hessian, jvp, primitive, value_of
from ddtrain.autodiff.core.boxes import box
from ddtrain.autodiff.core.primitives import PRIMITIVES
from ddtrain.errors import DerivativeError


@pytest.fixture
def declare():
    """``primitive``, taken out of the registry again after the test."""
    before = len(PRIMITIVES)
    yield primitive
    del PRIMITIVES[before:]


def push(fun):
    """The derivative of a function of one number, in forward mode."""
    return lambda x: jvp(fun, (x,), (1.0,))[1]


def test_perturbations_are_not_confused():
    # d/dx [x d/dy (x y)] = d/dx x^2 = 2 x; confusing the two perturbations gives x or 3 x
    assert grad(lambda x: x * grad(lambda y: x * y)(1.0))(3.0) == 6.0
    assert push(lambda x: x * push(lambda y: x * y)(1.0))(3.0) == 6.0
    assert grad(lambda x: x * push(lambda y: x * y)(1.0))(3.0) == 6.0
    assert push(lambda x: x * grad(lambda y: x * y)(1.0))(3.0) == 6.0


def test_inner_derivative_of_a_closed_over_value_is_zero():
    assert grad(lambda x: x + grad(lambda y: x * x)(1.0))(3.0) == 1.0
    assert push(lambda x: x + push(lambda y: x * x)(1.0))(3.0) == 1.0


@pytest.mark.parametrize("pattern", ["rrrrr", "fffff", "rfrfr", "frfrf", "rrfff", "ffrrr"])
def test_five_levels_deep(pattern):
    derivative = np.sin
    for mode in pattern:
        derivative = grad(derivative) if mode == "r" else push(derivative)
    assert derivative(0.7) == pytest.approx(onp.cos(0.7), rel=1e-14)  # the fifth derivative of sin


def test_five_nested_closures():
    def f(a):
        inner = grad(lambda c: grad(lambda d: grad(lambda e: a * c * d * e * e)(1.0) * d)(1.0) * c)
        return a * grad(lambda b: b * inner(b) * a)(2.0)

    # e: 2 a c d, times d; d: 4 a c, times c; c at b: 8 a b; times b a: 8 a^2 b^2; b at 2: 32 a^2; times a: 32 a^3
    assert f(1.5) == pytest.approx(32 * 1.5**3)
    assert grad(f)(1.5) == pytest.approx(96 * 1.5**2)


@pytest.mark.parametrize("outer", [grad, push])
@pytest.mark.parametrize("inner", [grad, push])
def test_mixed_second_derivatives(outer, inner):
    f = lambda x: np.exp(np.sin(x)) / (1 + x * x)
    h, x = 1e-5, 0.3
    expected = (inner(f)(x + h) - inner(f)(x - h)) / (2 * h)
    assert outer(inner(f))(x) == pytest.approx(expected, rel=1e-8)


def test_two_threads_interleaving_nested_gradients():
    # a shared level counter that goes up and down gives both threads one level, and 1.0 for 6.0
    turn, results = threading.Barrier(2, timeout=20), {}

    def work(name):
        def inner(x, y):
            turn.wait()  # both threads are between entering the inner and leaving the outer trace
            return x * y

        def outer(x):
            turn.wait()
            return x * grad(lambda y: inner(x, y))(1.0)

        results[name] = [float(grad(outer)(3.0)) for _ in range(20)]

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert results == {"a": [6.0] * 20, "b": [6.0] * 20}


def test_an_exception_leaves_nothing_behind():
    def fails(x):
        grad(lambda y: 1 / (y - y).nothing)(x)

    with pytest.raises(AttributeError):
        grad(fails)(1.0)
    assert grad(lambda x: x * grad(lambda y: x * y)(1.0))(3.0) == 6.0


def test_results_are_arrays_also_when_0d():
    seen = []
    grad(lambda x: (seen.append(x * 2), np.sum(x * 2))[1])(1.0)
    assert isinstance(seen[0], Box)
    assert type(value_of(seen[0])) is onp.ndarray
    assert type(grad(np.sin)(1.0)) is onp.ndarray
    assert type(jvp(np.sin, (1.0,), (1.0,))[1]) is onp.ndarray


def test_traced_keyword(declare):
    with pytest.raises(DerivativeError, match=r"keyword argument 'y' is traced.*\n.*Pass y by position"):
        grad(lambda x: declare(lambda x, y: x * y, name="times")(2.0, y=x))(1.0)


def test_ufunc_keywords_have_no_rule():
    with pytest.raises(DerivativeError, match="exp: where= has no derivative rule"):
        grad(lambda x: np.sum(np.exp(x, where=onp.array([True, False]))))(onp.ones(2))
    assert np.exp(onp.zeros(2), dtype=onp.float32).dtype == onp.float32  # nothing is traced: NumPy's own


def test_missing_rule_names_the_line_that_would_add_it(declare):
    twice = declare(lambda x, y: 2 * x * y, name="twice")
    defvjp(twice, lambda g, ans, x, y: 2 * g * y)
    assert grad(twice)(1.0, 3.0) == 6.0
    with pytest.raises(DerivativeError, match=r"twice has no VJP rule for argument 1\n.*defvjp\(twice, None, lambda"):
        grad(twice, 1)(1.0, 3.0)
    with pytest.raises(DerivativeError, match="twice has no JVP rule for argument 0"):
        jvp(lambda x: twice(x, 3.0), (1.0,), (1.0,))


def test_objects_cannot_be_traced(declare):
    odd = declare(lambda x: onp.array([None, x], object), name="odd")
    defvjp(odd, lambda g, ans, x: g)
    with pytest.raises(DerivativeError, match="arrays of objects"):
        box(onp.array([None]).tolist(), None, None)


def test_third_derivatives_of_a_hessian():
    third = jvp(hessian(lambda x: np.sum(x**3)), (onp.array([1.0, 2.0]),), (onp.array([1.0, 0.0]),))[1]
    onp.testing.assert_allclose(third, [[6.0, 0.0], [0.0, 0.0]])
