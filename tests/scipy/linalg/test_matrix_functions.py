"""Functions of a matrix: SciPy's values, and derivatives where no basis of eigenvectors exists."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg as sl

from ddtrain.autodiff import check_grads, jvp
from ddtrain.scipy import linalg

RNG = np.random.default_rng(0)
A = RNG.normal(size=(4, 4)) + 4 * np.eye(4)
DEFINITE = A @ A.T


@pytest.mark.parametrize("name", ["expm", "logm", "sinm", "cosm", "tanm", "sinhm", "coshm", "tanhm", "sqrtm"])
def test_functions_of_a_matrix_are_scipys(name):
    a = DEFINITE / 20
    np.testing.assert_allclose(getattr(linalg, name)(a), getattr(sl, name)(a), rtol=1e-9, atol=1e-12)


def test_the_derivative_of_expm_is_that_of_scipys_frechet():
    a, e = RNG.normal(size=(4, 4)), RNG.normal(size=(4, 4))
    np.testing.assert_allclose(jvp(linalg.expm, (a,), (e,))[1], sl.expm_frechet(a, e)[1], rtol=1e-10, atol=1e-10)


def test_expm_of_a_nilpotent_and_of_a_zero_matrix():
    # defective, and with every eigenvalue equal: where rules by eigenvectors divide by zero
    for a in (np.diag([1.0, 1.0], 1), np.zeros((3, 3))):
        check_grads(linalg.expm)(a)


def test_a_root_of_a_real_matrix_may_be_complex():
    root = linalg.sqrtm(np.diag([-4.0, 9.0]))
    np.testing.assert_allclose(root @ root, np.diag([-4.0, 9.0]), atol=1e-14)
