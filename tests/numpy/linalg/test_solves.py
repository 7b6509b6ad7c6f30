"""Systems of equations: solutions move with the matrix, and a tensor needs axes to be inverted over."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import grad, jvp

rng = onp.random.default_rng(0)
A, B, DIRECTION = rng.standard_normal((3, 3)) + 3 * onp.eye(3), rng.standard_normal((3, 2)), rng.standard_normal((3, 3))


def test_a_solution_moves_against_the_matrix():
    x, moved = jvp(lambda a: np.linalg.solve(a, B), (A,), (DIRECTION,))
    onp.testing.assert_allclose(A @ x, B, rtol=1e-12)
    onp.testing.assert_allclose(A @ moved, -DIRECTION @ x, rtol=1e-12)  # of A x = B


def test_an_inverse_times_its_matrix_does_not_move():
    value, moved = jvp(lambda a: np.linalg.inv(a) @ a, (A,), (DIRECTION,))
    onp.testing.assert_allclose(value, onp.eye(3), atol=1e-14)
    onp.testing.assert_allclose(moved, 0, atol=1e-14)


def test_a_tensor_needs_axes_to_be_inverted_over():
    with pytest.raises(ValueError, match="at least one axis"):
        grad(lambda x: np.linalg.tensorinv(x, 0))(onp.ones((2, 4, 3)))
