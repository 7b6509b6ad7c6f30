"""SciPy's spelling of what ``ddtrain.numpy.linalg`` has: qr, svd, svdvals, pinv, lstsq, det, norm."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg as sl

from ddtrain.autodiff import value_of
from ddtrain.errors import DerivativeError
from ddtrain.numpy import concatenate
from ddtrain.numpy.linalg import determinants, factorizations, least_squares, norms
from ddtrain.numpy.linalg.matrices import matrix
from ddtrain.numpy.linalg.svd import svd as numpy_svd
from ddtrain.numpy.linalg.svd import svdvals as numpy_svdvals
from ddtrain.scipy.fallback import scipys_unless_traced
from ddtrain.scipy.linalg.stacks import VECTOR_OR_MATRIX, over_stacks

_MODES = {"full": "complete", "r": "r", "economic": "reduced"}


@scipys_unless_traced(sl.qr)
@over_stacks(a=2)
def qr(
    a: Any,
    overwrite_a: bool = False,
    lwork: Any = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> Any:
    """Orthonormal Q and upper triangular R of ``Q @ R = a``.

    Parameters
    ----------
    mode : "economic" for K = min(M, N) columns of Q; "full" for all M, which differentiates only where there are no
        more; "r" for ``(R,)``; "raw" does not differentiate
    pivoting : take the columns in an order P of descending diagonal, ``Q @ R = a[:, P]``, and return P last
    overwrite_a, lwork, check_finite : of SciPy's; how plain arrays are computed

    >>> qr(np.array([[3.0], [4.0]]), mode="economic")[1]
    array([[-5.]])
    """
    if mode not in _MODES:
        raise DerivativeError(f"qr: mode={mode!r} has no derivative", remedy="Use mode='economic'.")
    a = matrix(a)
    order: tuple[Any, ...] = ()
    rows, columns = a.shape
    if pivoting:
        order = (sl.qr(value_of(a), mode="r", pivoting=True)[1],)
        a = a[:, order[0]]
    if mode == "r":
        r = factorizations.qr(a, "r")
        return concatenate([r, np.zeros((max(0, rows - columns), columns), a.dtype)]), *order
    if mode == "full" and rows > columns:
        raise DerivativeError(
            f"qr: the complete basis Q of a matrix of shape {a.shape} has no derivative",
            remedy="Use mode='economic'.",
        )
    return *factorizations.qr(a, _MODES[mode]), *order


@scipys_unless_traced(sl.svd)
def svd(
    a: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    """``(U, s, Vh)`` of ``U @ diag(s) @ Vh = a``, or s alone; see :func:`ddtrain.numpy.linalg.svd` for what is refused.

    >>> svd(np.array([[0.0, 2.0], [1.0, 0.0]]), compute_uv=False)
    array([2., 1.])
    """
    found = numpy_svd(a, full_matrices, compute_uv)
    return tuple(found) if compute_uv else found


@scipys_unless_traced(sl.svdvals)
def svdvals(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The singular values in descending order."""
    return numpy_svdvals(a)


@scipys_unless_traced(sl.pinv)
@over_stacks(a=2)
def pinv(
    a: Any,
    *,
    atol: float | None = None,
    rtol: float | None = None,
    return_rank: bool = False,
    check_finite: bool = True,
) -> Any:
    """The pseudo-inverse; singular values up to ``atol + rtol * max(s)`` count as zero.

    Raises
    ------
    DerivativeError : differentiated at a matrix without full rank

    >>> pinv(np.array([[1.0], [1.0]]))
    array([[0.5, 0.5]])
    """
    a = matrix(a)
    s = np.linalg.svdvals(value_of(a))
    largest = np.max(s, initial=0.0)
    rtol = max(a.shape) * np.finfo(s.dtype).eps if rtol is None else rtol
    part = rtol + (atol / largest if atol and largest else 0.0)
    inverse = least_squares.pinv_full_rank(a, part)
    return (inverse, int(np.sum(s > part * largest))) if return_rank else inverse


@scipys_unless_traced(sl.lstsq)
@over_stacks(a=2, b=VECTOR_OR_MATRIX)
def lstsq(
    a: Any,
    b: Any,
    cond: float | None = None,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    lapack_driver: str | None = None,
) -> Any:
    """``(x, residuals, rank, s)`` of the x that makes the length of ``b - a @ x`` least.

    Parameters
    ----------
    cond : singular values below this part of the largest count as zero; by default the precision
    lapack_driver : of SciPy's; with "gelsy" s is None

    >>> lstsq(np.array([[1.0], [1.0]]), np.array([1.0, 3.0]))[0]
    array([2.])
    """
    a = matrix(a)
    x, residuals, rank, s = least_squares.lstsq(a, b, np.finfo(a.dtype).eps if cond is None else cond)
    if np.ndim(value_of(b)) == 1 and residuals.size:
        residuals = residuals[0]
    return x, residuals, rank, None if lapack_driver == "gelsy" else s


@scipys_unless_traced(sl.det)
def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The determinant of a square matrix."""
    return determinants.det(a)


@scipys_unless_traced(sl.norm)
def norm(
    a: Any,
    ord: Any = None,
    axis: Any = None,
    keepdims: bool = False,
    check_finite: bool = True,
) -> Any:
    """The norm of a vector or matrix; see :func:`ddtrain.numpy.linalg.norm`."""
    return norms.norm(a, ord, axis, keepdims)
