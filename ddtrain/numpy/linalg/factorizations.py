"""Triangular factorizations: cholesky and qr."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ddtrain.autodiff import Array, Outputs, defjvp, defvjp, pack, primitive, unpack, value_of
from ddtrain.autodiff.core.boxes import BOXES
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import DerivativeError
from ddtrain.numpy.linalg.matrices import (
    H,
    T,
    below,
    conj,
    hermitian,
    matrix,
    mirror,
    real_diagonal,
    unmirror,
)
from ddtrain.numpy.linalg.solves import solve_matrix
from ddtrain.numpy.manipulation.indexing import tril, triu
from ddtrain.numpy.manipulation.joining import concatenate


def _factor(x: Any) -> Any:
    return np.linalg.cholesky(x)


def _lower_half(x: Any) -> Any:
    """The lower triangle with half of the diagonal, which is real."""
    return below(x) + 0.5 * real_diagonal(x)


def _factor_vjp(g: Any, ans: Any, x: Any) -> Any:
    """Murray, arXiv:1602.07527, eq. 9, for a factorisation that reads the lower triangle alone."""
    middle = _lower_half(T(ans) @ tril(g))  # all conjugates, see Note [Complex cotangents]
    return unmirror(solve_matrix(T(ans), T(solve_matrix(H(ans), T(middle)))))


def _factor_jvp(g: Any, ans: Any, x: Any) -> Any:
    return ans @ _lower_half(solve_matrix(ans, H(solve_matrix(ans, mirror(g)))))


factor = primitive(_factor, name="cholesky", examples=hermitian)
defvjp(factor, _factor_vjp)
defjvp(factor, _factor_jvp)


def cholesky(x: Array, *, upper: bool = False) -> Array:
    """The lower triangular L of ``L @ H(L) = x``, for a Hermitian positive definite matrix, or H(L) for ``upper``.

    The derivative is with respect to the Hermitian part of ``x``, so it is Hermitian.

    Raises
    ------
    LinAlgError : ``x`` is not positive definite

    >>> cholesky(np.array([[4.0, 2.0], [2.0, 2.0]]))
    array([[2., 0.],
           [1., 1.]])
    """
    x = matrix(x)
    lower = factor(0.5 * (x + H(x)))
    return H(lower) if upper else lower


class QRResult(NamedTuple):
    """Orthonormal columns ``Q`` and upper triangular ``R`` of ``Q @ R = a``."""

    Q: Any
    R: Any


def _tall_qr(a: Any) -> Any:
    return Outputs(np.linalg.qr(a))


def _needs_full_rank(r: Any) -> None:
    r = value_of(r)
    d = np.abs(np.diagonal(r, 0, -2, -1))
    bound = r.shape[-1] * np.finfo(r.dtype).eps * np.max(np.abs(r), (-2, -1), initial=0.0)[..., None]
    if np.any(d <= bound):
        column = int(np.argwhere(d <= bound)[0][-1])
        raise DerivativeError(
            f"qr: column {column} depends on those before it, so its direction in Q has no derivative",
            remedy="Use a matrix of full column rank; for a wide one, its leading square block.",
        )


def _upper_part(c: Any) -> Any:
    """dR inv(R), given C = H(Q) dA inv(R): C less a skew-Hermitian matrix, upper triangular with a real diagonal."""
    return triu(c, 1) + H(below(c)) + real_diagonal(c)


def _qr_jvp(g: Any, ans: Any, a: Any) -> Any:
    q, r = unpack(ans)
    _needs_full_rank(r)
    scaled = T(solve_matrix(T(r), T(g)))  # dA inv(R)
    turn = _upper_part(H(q) @ scaled)
    return pack(scaled - q @ turn, turn @ r)


def _qr_vjp(g: Any, ans: Any, a: Any) -> Any:
    """The transpose of :func:`_qr_jvp`; Walter, Lehmann and Lamour, Optim. Methods Softw. 27 (2012), for real ones."""
    q, r = unpack(ans)
    _needs_full_rank(r)
    gq, gr = map(conj, unpack(g))
    w = gr @ H(r) - H(q) @ gq
    inner = triu(w, 1) + H(triu(w, 1)) + real_diagonal(w)
    return conj(H(solve_matrix(r, H(gq + q @ inner))))


tall_qr = primitive(_tall_qr, name="qr", examples=lambda r: [case(r(4, 3)), case(r(2, 2, 2)), case(r(3, 1))])
defvjp(tall_qr, _qr_vjp)
defjvp(tall_qr, _qr_jvp)


def qr(a: Array, mode: str = "reduced") -> Array:
    """Orthonormal Q and upper triangular R of ``Q @ R = a``, for each matrix of a batch.

    Parameters
    ----------
    mode : "reduced"; "r" for R alone; "complete" for a square Q, whose columns beyond those of ``a`` are any that
        complete the basis, so that it differentiates only where there are none; "raw" does not differentiate

    Raises
    ------
    DerivativeError : differentiated where a column depends on those before it, or in a mode that cannot be

    >>> qr(np.array([[3.0], [4.0]])).R
    array([[-5.]])
    """
    a = matrix(a)
    rows, columns = a.shape[-2:]
    if type(a) not in BOXES:
        result = np.linalg.qr(a, mode)  # type: ignore[call-overload]
        return QRResult(*result) if mode in ("reduced", "complete") else result
    if mode not in ("reduced", "r", "complete") or (mode == "complete" and rows > columns):
        raise DerivativeError(
            f"qr: mode {mode!r} of a matrix of shape {a.shape} has no derivative", remedy="Use mode='reduced'."
        )
    q, r = unpack(tall_qr(a[..., :rows] if columns > rows else a))
    if columns > rows:
        r = concatenate([r, H(q) @ a[..., rows:]], -1)
    return r if mode == "r" else QRResult(q, r)
