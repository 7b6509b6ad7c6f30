"""Least squares and the pseudo-inverse, where the matrix has full rank; elsewhere neither is continuous."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ddtrain.autodiff import Array, defjvp, defvjp, primitive, value_of
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import DerivativeError
from ddtrain.numpy.along_axes.reductions import sum
from ddtrain.numpy.elementwise.arithmetic import absolute
from ddtrain.numpy.linalg.matrices import H, T, conj, matrix, regular
from ddtrain.numpy.linalg.svd import svdvals


def _pinv(a: Array, rtol: float) -> Array:
    return np.linalg.pinv(a, rtol=rtol)


def _needs_full_rank(a: Any, name: str) -> None:
    a = value_of(a)
    if a.size and np.any(np.linalg.matrix_rank(a) < min(a.shape[-2:])):
        raise DerivativeError(
            f"{name}: the matrix of shape {a.shape} has not full rank, and there the pseudo-inverse is not continuous",
            remedy="Regularise it, as in solve(a.T @ a + c * eye(n), a.T @ b).",
        )


def _pinv_jvp(g: Any, ans: Any, a: Any, rtol: float) -> Any:
    """Golub and Pereyra, SIAM J. Numer. Anal. 10 (1973), eq. 4.12, at full rank."""
    _needs_full_rank(a, "pinv")
    outside = H(g) - H(g) @ a @ ans
    across = H(g) - ans @ (a @ H(g))
    return ans @ (H(ans) @ outside) + across @ (H(ans) @ ans) - ans @ g @ ans


def _pinv_vjp(g: Any, ans: Any, a: Any, rtol: float) -> Any:
    """The transpose of :func:`_pinv_jvp`, term by term."""
    _needs_full_rank(a, "pinv")
    t, p = T(g), T(ans)
    first = (t - a @ (ans @ t)) @ (ans @ H(ans))
    second = (H(ans) @ ans) @ (t - (t @ ans) @ a)
    return conj(first + second) - p @ g @ p


pinv_full_rank = primitive(
    _pinv, name="pinv", examples=lambda r: [case(m, 1e-15) for m in (r(4, 2), r(2, 2, 3), regular(r, 3, 3))]
)
defvjp(pinv_full_rank, _pinv_vjp)
defjvp(pinv_full_rank, _pinv_jvp)


def pinv(a: Array, rcond: float | None = None, hermitian: bool = False, *, rtol: float | None = None) -> Array:
    """The pseudo-inverse of Moore and Penrose, of each matrix of a batch.

    Parameters
    ----------
    rcond, rtol : singular values below this part of the largest count as zero; the defaults are NumPy's
    hermitian : accepted for compatibility; it would only save time

    Raises
    ------
    DerivativeError : differentiated at a matrix without full rank, where the pseudo-inverse jumps

    >>> pinv(np.array([[1.0], [1.0]]))
    array([[0.5, 0.5]])
    """
    given = rcond if rtol is None else rtol
    return pinv_full_rank(matrix(a), 1e-15 if given is None else given)  # NumPy's default


class LstsqResult(NamedTuple):
    """What :func:`lstsq` returns; NumPy returns the same four as a plain tuple."""

    x: Any
    residuals: Any
    rank: Any
    s: Any


def lstsq(a: Array, b: Array, rcond: float | None = None) -> LstsqResult:
    """x that makes the length of ``b - a @ x`` least, and the shortest such x if there are several.

    Returns
    -------
    x, the squared lengths of what remains (empty unless ``a`` has full rank and more rows than columns), the rank,
    and the singular values of ``a``. All but the rank differentiate.

    Raises
    ------
    DerivativeError : differentiated at a matrix without full rank

    >>> lstsq(np.array([[1.0], [1.0]]), np.array([1.0, 3.0])).x
    array([2.])
    """
    a, b = matrix(a), matrix(b)
    rows, columns = a.shape
    cut = np.finfo(a.dtype).eps * np.maximum(rows, columns) if rcond is None else rcond
    s = svdvals(a)
    rank = int(np.sum(value_of(s) > cut * np.max(value_of(s), initial=0.0)))
    x = pinv_full_rank(a, cut) @ b
    over = rank == columns < rows
    residuals = sum(absolute(b - a @ x) ** 2, 0).reshape(-1) if over else np.zeros(0, value_of(s).dtype)
    return LstsqResult(x, residuals, rank, s)
