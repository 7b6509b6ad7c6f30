"""Norms: where they are zero, their squares have no wrong second derivative."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import grad, hessian, hvp, jvp

NORMS = {
    "norm": np.linalg.norm,
    "norm of a matrix": lambda x: np.linalg.norm(x[:, None] * onp.ones((1, 2))),
    "norms of rows": lambda x: np.sum(np.linalg.norm(x[:, None] * onp.ones(2), axis=1)),
    "vector_norm": np.linalg.vector_norm,
    "matrix_norm": lambda x: np.linalg.matrix_norm(x[:, None] * onp.ones((1, 2))),
    "3-norm": lambda x: np.linalg.norm(x, 3),
    "std": np.std,
    "nanstd": np.nanstd,
    "masked std": lambda x: np.std(x, where=onp.array([True, True])),
    "complex abs": lambda x: np.sum(np.abs(x * (1 + 1j))),
}


@pytest.mark.parametrize("fun", NORMS.values(), ids=NORMS)
def test_second_derivatives_of_squared_lengths_at_zero_are_not_a_wrong_number(fun):
    # the first derivative of a length at 0 is taken to be 0, and so is that of its square; the second would be 0, too,
    # by the formula, which for the square is wrong
    x, square = onp.zeros(2), lambda x: fun(x) ** 2
    onp.testing.assert_array_equal(grad(fun)(x), 0)
    onp.testing.assert_array_equal(jvp(fun, (x,), (onp.ones(2),))[1], 0)
    assert onp.isnan(hessian(square)(x)).any()
    assert onp.isnan(hvp(square, (x,), onp.array([1.0, 0.0]))).any()
    assert onp.isnan(jvp(lambda x: jvp(square, (x,), (onp.array([1.0, 2.0]),))[1], (x,), (onp.array([2.0, 1.0]),))[1])
    assert onp.isfinite(hessian(square)(onp.array([1.0, 2.0]))).all()


def test_a_zero_among_lengths_does_not_spoil_the_others():
    h = hessian(lambda x: np.sum(np.linalg.norm(x, axis=1)))(onp.array([[0.0, 0.0], [3.0, 4.0]]))
    assert onp.isfinite(h[1][:, 1]).all()
    assert onp.isnan(h[0][:, 0]).any()


def test_a_zero_matrix_has_norms_with_derivative_zero():
    for p in (None, 2, 3):
        onp.testing.assert_array_equal(grad(lambda x, p=p: np.linalg.norm(x, p))(onp.zeros(3)), onp.zeros(3))


@pytest.mark.parametrize(
    ("order", "shape", "message"),
    [
        ("nuc", (3,), "'nuc' is not a norm of vectors"),
        (3, (4, 3), "ord=3 is not a norm of matrices"),
        (1, (2, 4, 3), "needs one axis or two"),
    ],
)
def test_what_is_no_norm_is_refused(order, shape, message):
    with pytest.raises(ValueError, match=message):
        grad(lambda x: np.linalg.norm(x, order))(onp.ones(shape))
