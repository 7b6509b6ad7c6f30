"""Matrices that are built of smaller things."""

from __future__ import annotations

import numpy as np
import scipy.linalg as sl

from ddtrain.autodiff import check_grads
from ddtrain.scipy import linalg


def test_matrices_built_of_smaller_things():
    c, r, blocks = np.arange(3.0), np.arange(4.0) + 5, (np.ones((2, 1)), np.array([7.0, 8.0]), np.ones((1, 0)))
    np.testing.assert_array_equal(linalg.block_diag(*blocks), sl.block_diag(*blocks))
    np.testing.assert_array_equal(linalg.toeplitz(c, r), sl.toeplitz(c, r))
    np.testing.assert_array_equal(linalg.toeplitz(c + 1j), sl.toeplitz(c + 1j))
    np.testing.assert_array_equal(linalg.circulant(c), sl.circulant(c))
    np.testing.assert_array_equal(linalg.circulant([1.0, 2.0]), sl.circulant([1.0, 2.0]))
    check_grads(lambda c, r: linalg.toeplitz(c, r) ** 2)(c, r)
    check_grads(lambda a, b: linalg.block_diag(a, b) ** 2)(*blocks[:2])
