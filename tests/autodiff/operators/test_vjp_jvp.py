"""Pulling back and pushing forward: again, in the cotangent, and over structures."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import (
    grad,
    jacobian,
    jvp,
    make_vjp,
    tensor_jacobian_product,
    vjp,
)

A = onp.array([[2.0, -1.0], [0.5, 3.0]])
X = onp.array([0.3, -0.8])


def test_pullbacks_can_be_used_again():
    pull, value = make_vjp(lambda x: A @ x)(X)
    onp.testing.assert_array_equal(value, A @ X)
    for g in onp.eye(2):
        onp.testing.assert_array_equal(pull(g), A.T @ g)


def test_a_pullback_is_differentiable_in_its_cotangent():
    pull = vjp(lambda x: A @ x, X)[1]
    onp.testing.assert_allclose(jacobian(lambda g: pull(g)[0])(X), A.T)


def test_forward_mode_returns_structures():
    value, tangent = jvp(lambda x: {"a": x**2, "b": 3.0}, (2.0,), (1.0,))
    assert value == {"a": 4.0, "b": 3.0}
    assert tangent == {"a": 4.0, "b": 0.0}


@pytest.mark.parametrize("axes", [0, 1, 2, 3])
def test_a_cotangent_of_fewer_axes_is_summed_against_the_first(axes):
    rng = onp.random.default_rng(0)
    a, g = rng.standard_normal((2, 3, 2)), rng.standard_normal((2, 3, 2)[:axes])
    fun = lambda a: np.sin(np.roll(a, 1)) * a
    expected = onp.tensordot(g, jacobian(fun)(a), axes)
    onp.testing.assert_allclose(tensor_jacobian_product(fun)(a, g), expected, rtol=1e-13)
    np_grad = grad(lambda g: np.sum(tensor_jacobian_product(fun)(a, g)))(g)  # and is differentiable
    onp.testing.assert_allclose(np_grad, jacobian(fun)(a).sum(axis=tuple(range(axes, 6))), rtol=1e-13)
    of_two = tensor_jacobian_product(lambda a, b: fun(a) * b, (0, 1))(a, a, g)
    assert [part.shape for part in of_two] == [expected.shape] * 2
    nothing = tensor_jacobian_product(lambda a: a[:, :0])(a, onp.ones(2))
    assert nothing.shape == (0, 2, 2, 3, 2)
