"""The operators: structures in and out, agreement with each other, and the errors of misuse."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import (
    deriv,
    elementwise_grad,
    grad,
    grad_and_aux,
    grad_named,
    hessian,
    hvp,
    jacobian,
    jvp,
    make_ggnvp,
    make_hvp,
    make_jvp,
    multigrad_dict,
    tensor_jacobian_product,
    value_and_grad,
    vjp,
)
from ddtrain.errors import DerivativeError

X = onp.array([0.3, -0.8])
C = onp.ones(())


def test_gradient_has_the_structure_of_the_argument():
    params = {"w": [onp.ones((2, 2)), onp.ones(2)], "scale": (2.0,)}
    g = grad(lambda p: np.sum((X @ p["w"][0] + p["w"][1]) * p["scale"][0]))(params)
    assert set(g) == {"w", "scale"}
    onp.testing.assert_allclose(g["w"][0], 2.0 * onp.outer(X, [1, 1]))
    onp.testing.assert_allclose(g["w"][1], [2.0, 2.0])
    onp.testing.assert_allclose(g["scale"][0], onp.sum(X @ onp.ones((2, 2)) + 1))
    assert isinstance(g["scale"], tuple)


def test_several_arguments():
    gx, gy = grad(lambda x, y: np.sum(x * y), (0, 1))(X, 2 * X)
    onp.testing.assert_array_equal(gx, 2 * X)
    onp.testing.assert_array_equal(gy, X)
    onp.testing.assert_array_equal(grad(lambda x, y: np.sum(x * y), 1)(X, 2 * X), X)


def test_unused_arguments_get_zeros_of_their_dtype():
    g = grad(lambda p: np.sum(p[0]))([onp.ones(2), onp.ones(3, onp.float32)])
    onp.testing.assert_array_equal(g[1], onp.zeros(3))
    assert g[1].dtype == onp.float32
    assert grad(lambda x: 1.0)(2.0) == 0.0


def test_elementwise_and_aux():
    onp.testing.assert_allclose(elementwise_grad(np.tanh)(X), 1 - onp.tanh(X) ** 2)
    onp.testing.assert_allclose(elementwise_grad(elementwise_grad(np.sin))(X), -onp.sin(X))
    g, aux = grad_and_aux(lambda x: (np.sum(x**2), {"n": 2}))(X)
    assert aux == {"n": 2}
    onp.testing.assert_allclose(g, 2 * X)


def test_keywords_pass_through_and_names_are_kept():
    def loss(x, power=2):
        """The loss."""
        return np.sum(x**power)

    onp.testing.assert_allclose(value_and_grad(loss)(X, power=3)[1], 3 * X**2)
    assert grad(loss).__doc__ == "The loss."


def test_derivative_in_time():
    onp.testing.assert_allclose(deriv(lambda t: np.stack([t, t**3]))(2.0), [1.0, 12.0])
    onp.testing.assert_allclose(deriv(lambda a, t: a * t**2, 1)(X, 3.0), 6 * X)
    assert deriv(lambda t: {"x": t**2})(3.0) == {"x": 6.0}


def test_by_name():
    def f(x, *rest, scale=2.0, **more):
        return np.sum(x) * rest[0] * scale + more["k"]["deep"] ** 2

    grads = multigrad_dict(f)(X, 3.0, 4.0, k={"deep": 5.0})
    assert set(grads) == {"x", "rest", "scale", "more"}
    onp.testing.assert_allclose(grads["x"], [6.0, 6.0])
    assert grads["rest"] == (2 * X.sum(), 0.0)
    assert grads["scale"] == 3 * X.sum()
    assert grads["more"] == {"k": {"deep": 10.0}}
    assert grad_named(lambda x, y=1.0: x * y, "y")(3.0, 5.0) == 3.0


def test_options_of_operations_are_no_arguments_to_multigrad_dict():
    """Their defaults, such as axis=None and keepdims=False, hold no numbers; what is given is refused."""
    assert list(multigrad_dict(np.sum)(X)) == ["x"]
    grads = multigrad_dict(lambda x, weights=(1.0, 2.0), power=2: weights[1] * x**power)(3.0)
    assert grads == {"x": 12.0, "weights": (0.0, 9.0)}
    with pytest.raises(DerivativeError, match="axis"):
        multigrad_dict(np.sum)(X, axis=None)


def test_float32_in_float32_out():
    x = X.astype(onp.float32)
    assert grad(lambda x: np.mean(np.exp(x) / 3) + np.linalg.norm(x))(x).dtype == onp.float32
    assert hessian(lambda x: np.sum(x**4))(x).dtype == onp.float32


def test_complex_gradient_is_u_x_minus_i_u_y():
    z = onp.array([1.0 + 2.0j])
    onp.testing.assert_allclose(grad(lambda z: np.sum(np.real(z * np.conj(z))))(z), 2 * onp.conj(z))
    onp.testing.assert_allclose(grad(lambda z: np.sum(np.abs(z)))(z), onp.conj(z) / abs(z))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: grad(lambda x: x * 2)(X), r"returned shape \(2,\), but a gradient needs a scalar\n.*elementwise_grad"),
        (lambda: grad(np.sum)(onp.arange(3)), r"cannot differentiate .* dtype int64, shape \(3,\)\n.*astype\(float\)"),
        (lambda: grad(np.sum, 2)(X), "argnum 2, but .* was called with 1 arguments"),
        (lambda: grad(lambda x: np.sum(x * 1j))(X), "returned dtype complex128, not a real number"),
        (lambda: jvp(np.sum, (X,), (onp.ones(3),)), r"tangent has shape \(3,\) but the argument \(2,\)"),
        (lambda: make_jvp(np.sum)(X)([X, X]), "1 leaves in the argument but 2 in the tangent"),
    ],
)
def test_misuse(call, message):
    with pytest.raises(DerivativeError, match=message):
        call()


@pytest.mark.parametrize("fun", [np.argmax, lambda x: np.allclose(x, x), lambda x: np.sum(x > 0), lambda x: 3])
@pytest.mark.parametrize(
    "operator", [grad, value_and_grad, elementwise_grad, jacobian, hessian, deriv, multigrad_dict, make_hvp]
)
def test_a_whole_number_has_no_derivative(operator, fun):
    with pytest.raises(DerivativeError, match=r"returned dtype (int64|bool), shape \(\), which has no derivative"):
        operator(fun)(X)


def test_whole_numbers_beside_others_are_passed_on():
    (_, n), pull = vjp(lambda x: (np.sum(x), np.argmax(x)), X)
    assert n == 0
    onp.testing.assert_array_equal(pull((1.0, 0))[0], 1.0)
    assert jvp(lambda x: (np.sum(x), np.argmax(x)), (X,), (X,))[1] == (onp.sum(X), 0)
    onp.testing.assert_array_equal(vjp(np.argmax, X)[1](1.0)[0], 0.0)  # as are products with it alone


class TestResultsAreTheUsersOwn:
    """What an operator returns can be written to, and nothing else changes with it."""

    FUNCTIONS = (
        lambda a, b: np.sum(a + b),
        lambda a, b: np.sum(a.T) + np.mean(np.reshape(b, -1)),
        lambda a, b: np.sum(C * a) + np.sum(b[::-1]),
        lambda a, b: np.sum(np.mean(a, axis=1)) + np.max(b),
    )

    @pytest.mark.parametrize("n", [1, 100])  # beyond 4096 entries sums were seen, not made
    @pytest.mark.parametrize("fun", FUNCTIONS)
    def test_of_gradients(self, fun, n):
        a, b = onp.ones((n, n)), onp.ones((n, n))
        pull = vjp(fun, a, b)[1]
        for results in (
            grad(fun, (0, 1))(a, b),
            grad(lambda p: fun(p["a"], p["b"]))({"a": a, "b": b}).values(),
            value_and_grad(fun, (0, 1))(a, b)[1],
            multigrad_dict(fun)(a, b).values(),
            elementwise_grad(fun, (0, 1))(a, b),
            pull(1.0),
            pull(1.0),
        ):
            self.are_own(list(results), a, b)
        self.are_own([hvp(fun, (a, b), b), grad(fun)(a, b)], a, b)

    @pytest.mark.parametrize("n", [2, 5000])
    def test_of_products(self, n):
        x, g, v = onp.ones(n), onp.ones(n), onp.ones(n)
        self.are_own([*vjp(lambda x, y: x + y, x, x)[1](g), tensor_jacobian_product(lambda x: x)(x, g)], x, g)
        self.are_own([jvp(lambda x: x, (x,), (v,))[1], make_jvp(lambda x: x + 1)(x)(v)[1]], x, v)
        self.are_own([deriv(lambda x: np.broadcast_to(x, (n, 2)))(1.0), elementwise_grad(lambda x: x)(x)], x)
        self.are_own([jacobian(lambda x: x[:2])(x), make_ggnvp(lambda x: x)(x)(v), hvp(lambda x: x @ x, (x,), v)], x, v)
        constant = onp.ones(())
        self.are_own([grad(lambda x: x * constant)(onp.array(1.0)), grad(lambda x: x)(onp.array(1.0))], constant)

    @staticmethod
    def are_own(results, *others):
        for k, result in enumerate(results):
            result += 1.0
            assert not any(onp.shares_memory(result, other) for other in [*results[:k], *others])

    def test_a_scaled_gradient_leaves_the_next_walk_alone(self):
        pull = vjp(lambda x: np.sum(np.exp(x) + 3 * x), X)[1]
        first = pull(1.0)[0]
        kept = first.copy()
        first *= 0.0
        onp.testing.assert_array_equal(pull(1.0)[0], kept)
