"""Derivatives of derivatives: every order of modes, five levels deep, through every operator, from many threads."""

import itertools
import threading

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import (
    checkpoint,
    deriv,
    elementwise_grad,
    grad,
    hessian,
    holomorphic_grad,
    hvp,
    jacobian,
    jvp,
    make_ggnvp,
    value_and_grad,
    vjp,
)

MODES = {"r": grad, "f": deriv}
X = onp.array([0.3, -0.8, 0.5])


def nested(fun, pattern):
    for mode in pattern:
        fun = MODES[mode](fun)
    return fun


def sin_x(x):
    return np.sin(x)


def powers(x):
    return x**7 / 42 + np.exp(2 * x)


def quotient(x):
    return np.log(1 + x * x) / 2  # whose second derivative is (1 - x^2) / (1 + x^2)^2


def fifth_of_powers(x):
    return 60 * x**2 + 32 * onp.exp(2 * x)


@pytest.mark.parametrize("pattern", ["".join(p) for p in itertools.product("rf", repeat=5)])
def test_fifth_derivatives_in_every_order_of_modes(pattern):
    assert nested(sin_x, pattern)(0.7) == pytest.approx(onp.cos(0.7), rel=1e-13)
    assert nested(powers, pattern)(0.7) == pytest.approx(fifth_of_powers(0.7), rel=1e-12)
    assert nested(checkpoint(sin_x), pattern)(0.7) == pytest.approx(onp.cos(0.7), rel=1e-13)


@pytest.mark.parametrize("pattern", ["rr", "rf", "fr", "ff"])
def test_second_derivatives_of_a_quotient(pattern):
    assert nested(quotient, pattern)(0.7) == pytest.approx((1 - 0.49) / (1 + 0.49) ** 2, rel=1e-13)


def test_reverse_over_forward_over_reverse():
    f = lambda x: np.sum(np.exp(np.sin(x)) * x[::-1])
    h = hessian(f)(X)
    onp.testing.assert_allclose(h, h.T, rtol=1e-12)
    v = onp.array([1.0, -2.0, 0.5])
    onp.testing.assert_allclose(hvp(f, (X,), v), h @ v, rtol=1e-12)
    onp.testing.assert_allclose(grad(lambda x: jvp(f, (x,), (v,))[1])(X), h @ v, rtol=1e-12)
    onp.testing.assert_allclose(grad(lambda x: np.dot(vjp(f, x)[1](1.0)[0], v))(X), h @ v, rtol=1e-12)
    third = jacobian(hessian(f))(X)
    onp.testing.assert_allclose(third, third.transpose(2, 1, 0), atol=1e-12)
    onp.testing.assert_allclose(grad(lambda x: np.dot(v, hvp(f, (x,), v)))(X), v @ (third @ v), rtol=1e-12)
    onp.testing.assert_allclose(jvp(hessian(f), (X,), (v,))[1], third @ v, rtol=1e-12)


def test_an_optimizers_step_is_differentiable():
    # d/dlr of the loss after one step of descent on w^2: w (1 - 2 lr) squared
    after = lambda lr: (lambda w: (w - lr * grad(lambda w: w**2)(w)) ** 2)(3.0)
    assert grad(after)(0.1) == pytest.approx(2 * 3 * (1 - 0.2) * -2 * 3)


def test_operators_inside_operators():
    inner = lambda x: np.sum(elementwise_grad(np.tanh)(x) ** 2)
    onp.testing.assert_allclose(grad(inner)(X), -4 * (1 - onp.tanh(X) ** 2) ** 2 * onp.tanh(X), rtol=1e-12)
    product = lambda x: np.sum(make_ggnvp(lambda x: x**2)(x)(onp.ones(3)))
    onp.testing.assert_allclose(grad(product)(X), 8 * X, rtol=1e-13)  # of sum 4 x^2
    value = lambda x: value_and_grad(lambda y: y**3)(x)[0] * value_and_grad(lambda y: y**3)(x)[1]
    assert grad(value)(2.0) == pytest.approx(15 * 2.0**4)
    assert holomorphic_grad(holomorphic_grad(lambda z: z**3))(1 + 1j) == pytest.approx(6 + 6j)


def test_many_threads_each_five_levels_deep():
    patterns = ["rrrrr", "fffff", "rfrfr", "frfrf", "rrffr", "ffrrf"]
    start, results = threading.Barrier(len(patterns), timeout=20), {}

    def work(pattern):
        start.wait()
        results[pattern] = [float(nested(powers, pattern)(0.1 * k)) for k in range(10)]

    threads = [threading.Thread(target=work, args=(pattern,)) for pattern in patterns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    expected = [fifth_of_powers(0.1 * k) for k in range(10)]
    assert results == {pattern: pytest.approx(expected, rel=1e-12) for pattern in patterns}


def test_what_an_inner_function_takes_from_outside_has_no_tangent_within():
    """The result is the outer trace's: of the inner argument it is a constant, whatever else it depends on."""
    inner = lambda y: jvp(lambda x: y * y, (3.0,), (1.0,))
    assert grad(lambda y: inner(y)[0])(2.0) == 4.0
    assert grad(lambda y: y * inner(y)[1])(2.0) == 0.0
    assert jvp(lambda y: inner(y)[1] + inner(y)[0], (2.0,), (1.0,))[1] == 4.0


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


def test_third_derivatives_of_a_hessian():
    third = jvp(hessian(lambda x: np.sum(x**3)), (onp.array([1.0, 2.0]),), (onp.array([1.0, 0.0]),))[1]
    onp.testing.assert_allclose(third, [[6.0, 0.0], [0.0, 0.0]])
