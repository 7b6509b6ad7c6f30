"""Linear algebra of SciPy's: every option against SciPy, derivatives of the composed functions, what is not read."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg as sl

from ddtrain import grad
from ddtrain.autodiff import check_grads, jvp
from ddtrain.errors import DerivativeError
from ddtrain.scipy import linalg

RNG = np.random.default_rng(0)
A = RNG.normal(size=(4, 4)) + 4 * np.eye(4)
DEFINITE = A @ A.T


@pytest.mark.parametrize("b", [RNG.normal(size=4), RNG.normal(size=(4, 2))], ids=["vector", "matrix"])
@pytest.mark.parametrize("trans", [0, 1, 2, "N", "T", "C"])
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("unit_diagonal", [False, True])
def test_solve_triangular(b, trans, lower, unit_diagonal):
    for a in (A, A + 1j * RNG.normal(size=(4, 4))):
        expected = sl.solve_triangular(a, b, trans, lower, unit_diagonal)
        np.testing.assert_allclose(linalg.solve_triangular(a, b, trans, lower, unit_diagonal), expected, rtol=1e-12)
        check_grads(lambda a, b: linalg.solve_triangular(a, b, trans, lower, unit_diagonal))(a, b)


def test_the_triangle_that_is_not_read_has_no_derivative():
    g = grad(lambda a: linalg.solve_triangular(a, np.ones(4), lower=True, unit_diagonal=True).sum())(A)
    assert np.all(np.triu(g) == 0)
    assert np.any(g != 0)


def test_an_unknown_trans_is_named():
    with pytest.raises(DerivativeError, match="trans='H'"):
        linalg.solve_triangular(A, np.ones(4), trans="H")


@pytest.mark.parametrize(("lower", "upper"), [(1, 1), (2, 0), (0, 3), (3, 3), (0, 0)])
def test_solve_banded(lower, upper):
    ab = RNG.normal(size=(lower + upper + 1, 4))
    ab[upper] += 5
    for b in (RNG.normal(size=4), RNG.normal(size=(4, 2))):
        expected = sl.solve_banded((lower, upper), ab, b)
        np.testing.assert_allclose(linalg.solve_banded((lower, upper), ab, b), expected, rtol=1e-12)
        check_grads(lambda ab, b: linalg.solve_banded((lower, upper), ab, b))(ab, b)


@pytest.mark.parametrize("lower", [False, True])
def test_cholesky_and_solving_with_it(lower):
    b = RNG.normal(size=4)
    np.testing.assert_allclose(linalg.cholesky(DEFINITE, lower), sl.cholesky(DEFINITE, lower), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(linalg.cho_solve(linalg.cho_factor(DEFINITE, lower), b), np.linalg.solve(DEFINITE, b))
    check_grads(lambda a, b: linalg.cho_solve(linalg.cho_factor(a, lower), b))(DEFINITE, b)


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


def test_matrices_built_of_smaller_things():
    c, r, blocks = np.arange(3.0), np.arange(4.0) + 5, (np.ones((2, 1)), np.array([7.0, 8.0]), np.ones((1, 0)))
    np.testing.assert_array_equal(linalg.block_diag(*blocks), sl.block_diag(*blocks))
    np.testing.assert_array_equal(linalg.toeplitz(c, r), sl.toeplitz(c, r))
    np.testing.assert_array_equal(linalg.toeplitz(c + 1j), sl.toeplitz(c + 1j))
    np.testing.assert_array_equal(linalg.circulant(c), sl.circulant(c))
    np.testing.assert_array_equal(linalg.circulant([1.0, 2.0]), sl.circulant([1.0, 2.0]))
    check_grads(lambda c, r: linalg.toeplitz(c, r) ** 2)(c, r)
    check_grads(lambda a, b: linalg.block_diag(a, b) ** 2)(*blocks[:2])
