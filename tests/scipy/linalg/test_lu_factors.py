"""The LU factorization of any shape, and solving with it, transposed or not."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg as sl
from matrices import COLUMNS, RNG, SHAPES, VECTOR, A, C, check

from ddtrain import grad
from ddtrain.errors import DerivativeError, ShapeError
from ddtrain.scipy import linalg


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("options", [{}, {"permute_l": True}, {"p_indices": True}])
def test_lu(shape, options):
    check(lambda a: linalg.lu(a, **options), RNG.normal(size=shape))


@pytest.mark.parametrize("shape", SHAPES)
def test_lu_factor(shape):
    check(linalg.lu_factor, RNG.normal(size=shape))


@pytest.mark.parametrize("trans", [0, 1, 2])
@pytest.mark.parametrize("a", [A[::-1], C[::-1]], ids=["real", "complex"])  # rows that pivoting moves
def test_lu_solve(a, trans):
    for b in (VECTOR, COLUMNS):
        check(lambda a, b: linalg.lu_solve(linalg.lu_factor(a), b, trans), a, b)
        check(lambda b: linalg.lu_solve(sl.lu_factor(a), b, trans), b)


def test_what_lu_refuses():
    with pytest.raises(DerivativeError, match="lu: pivot 1 is zero"):
        grad(lambda a: linalg.lu(a)[2].sum())(np.ones((2, 2)))
    with pytest.raises(DerivativeError, match="lu_solve: trans=3"):
        grad(lambda b: linalg.lu_solve(sl.lu_factor(A), b, 3).sum())(VECTOR)
    with pytest.raises(ShapeError, match=r"shape \(4, 4\) do not go with b of shape \(2,\)"):
        grad(lambda b: linalg.lu_solve(sl.lu_factor(A), b).sum())(VECTOR[:2])
