"""What NumPy has, too, with SciPy's options: qr with pivots, singular values, least squares, determinant, norm."""

from __future__ import annotations

import numpy as np
import pytest
from matrices import COLUMNS, RNG, SHAPES, VECTOR, A, S, check

from ddtrain import grad
from ddtrain.autodiff import vjp
from ddtrain.errors import DerivativeError
from ddtrain.scipy import linalg


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("pivoting", [False, True])
def test_qr(shape, pivoting):
    a = RNG.normal(size=shape)
    check(lambda a: linalg.qr(a, mode="economic", pivoting=pivoting), a)
    check(lambda a: linalg.qr(a, mode="r", pivoting=pivoting), a)
    if shape[0] <= shape[1]:
        check(lambda a: linalg.qr(a, pivoting=pivoting), a)
    else:
        with pytest.raises(DerivativeError, match=r"complete basis Q.*\n.*economic"):
            grad(lambda a: linalg.qr(a)[0].sum())(a)
    with pytest.raises(DerivativeError, match="qr: mode='raw'"):
        grad(lambda a: linalg.qr(a, mode="raw")[1].sum())(a)


@pytest.mark.parametrize("shape", SHAPES)
def test_singular_values_and_what_is_made_of_them(shape):
    a = RNG.normal(size=shape)
    check(lambda a: linalg.svd(a, full_matrices=False), a)
    check(lambda a: linalg.svd(a, compute_uv=False), a)
    check(linalg.svdvals, a)
    check(lambda a: linalg.pinv(a, return_rank=True), a)
    check(lambda a: linalg.pinv(a, atol=1e-12, rtol=1e-13), a)
    for b in (VECTOR[: shape[0]], COLUMNS[: shape[0]]):
        check(linalg.lstsq, a, b)
    assert vjp(lambda a: linalg.lstsq(a, a[:, 0], lapack_driver="gelsy"), a)[0][3] is None


def test_numbers_of_a_matrix():
    check(linalg.det, A)
    check(linalg.norm, A)
    check(lambda a: linalg.norm(a, 1, axis=0, keepdims=True), A)


def test_single_precision_stays():
    a = S.astype(np.float32)
    for fun in (linalg.inv, linalg.det, linalg.pinv, linalg.eigvalsh, linalg.cholesky, lambda a: linalg.lu(a)[1]):
        value, pull = vjp(fun, a)
        assert value.dtype == np.float32
        assert pull(np.ones_like(value))[0].dtype == np.float32
