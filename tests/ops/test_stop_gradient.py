"""A value that derivatives do not pass: in both modes, nested, and beside a use that they do pass."""

from __future__ import annotations

import numpy as onp

import ddtrain.numpy as np
from ddtrain import grad, jvp, ops

X = onp.array([2.0, -3.0])


def test_the_value_is_the_same_and_the_derivative_zero() -> None:
    assert ops.stop_gradient(X) is X
    product = lambda x: x * ops.stop_gradient(x * x)
    onp.testing.assert_array_equal(grad(lambda x: np.sum(product(x)))(X), X * X)
    onp.testing.assert_array_equal(jvp(product, (X,), (onp.ones(2),))[1], X * X)


def test_inside_another_derivative() -> None:
    inner = lambda x: grad(lambda y: np.sum(y * y * ops.stop_gradient(y)))(x)  # 2 x c, c being the constant
    onp.testing.assert_array_equal(inner(X), 2 * X * X)
    onp.testing.assert_array_equal(
        grad(lambda x: np.sum(inner(x)))(X), 2 * X
    )  # a constant to the outer derivative, too, as in JAX
