"""Triangular systems, and the Cholesky factor: the other triangle is not read and has no derivative."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg as sl
from matrices import HERMITIAN, VECTOR, S, check, half

from ddtrain import grad
from ddtrain.autodiff import check_grads
from ddtrain.errors import DerivativeError
from ddtrain.scipy import linalg


@pytest.mark.parametrize("lower", [False, True])
def test_cholesky_reads_one_triangle(lower):
    for a in (S, HERMITIAN):
        check(lambda a: linalg.cholesky(a, lower), half(a, lower))
        check(lambda a, b: linalg.cho_solve(linalg.cho_factor(a, lower), b), half(a, lower), VECTOR)


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


@pytest.mark.parametrize("lower", [False, True])
def test_cholesky_and_solving_with_it(lower):
    b = RNG.normal(size=4)
    np.testing.assert_allclose(linalg.cholesky(DEFINITE, lower), sl.cholesky(DEFINITE, lower), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(linalg.cho_solve(linalg.cho_factor(DEFINITE, lower), b), np.linalg.solve(DEFINITE, b))
    check_grads(lambda a, b: linalg.cho_solve(linalg.cho_factor(a, lower), b))(DEFINITE, b)
