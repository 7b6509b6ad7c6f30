"""Linear algebra: norm, inv, solve, det, slogdet, cholesky; leading axes are a batch.

The rules are the textbook's (Giles, "Collected matrix derivative results", 2008). ``T`` transposes the last two axes.
"""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.linalg import LinAlgError, matrix_rank

from ddtrain.autodiff import defjvp, defvjp, nondifferentiable, primitive
from ddtrain.autodiff.examples import Case, Sampler, case
from ddtrain.errors import DerivativeError
from ddtrain.numpy._missing import missing_name
from ddtrain.numpy.arithmetic import absolute
from ddtrain.numpy.choices import where
from ddtrain.numpy.complexes import conjugate, real
from ddtrain.numpy.indexing import tril
from ddtrain.numpy.reductions import Axis, max, min, spread, sum
from ddtrain.numpy.shapes import expand_dims, ndim
from ddtrain.numpy.shapes import matrix_transpose as T


def _regular(r: Sampler, *shape: int) -> Any:
    """A well-conditioned matrix for every leading index."""
    return r(*shape) + 3 * np.eye(shape[-1], dtype=r.dtype)


def _square(r: Sampler) -> list[Case]:
    return [case(_regular(r, 3, 3)), case(_regular(r, 2, 2, 2)), case(_regular(r, 1, 1))]


inv = primitive(np.linalg.inv, examples=_square)
defvjp(inv, lambda g, ans, x: -(T(ans) @ g @ T(ans)))
defjvp(inv, lambda g, ans, x: -(ans @ g @ ans))

det = primitive(np.linalg.det, examples=_square)
defvjp(det, lambda g, ans, x: _each(g * ans) * T(inv(x)))
defjvp(det, lambda g, ans, x: ans * sum(T(inv(x)) * g, (-2, -1)))


def _each(g: Any) -> Any:
    """One number for each matrix, to multiply its entries."""
    return expand_dims(g, (-2, -1))


def _logabsdet(x: Any) -> Any:
    return np.linalg.slogdet(x)[1]


def _sign_of_det(x: Any) -> Any:
    return np.linalg.slogdet(x)[0]


logabsdet = primitive(_logabsdet, name="slogdet", examples=_square)
defvjp(logabsdet, lambda g, ans, x: _each(g) * T(inv(x)))
defjvp(logabsdet, lambda g, ans, x: real(sum(T(inv(x)) * g, (-2, -1))))
sign_of_det = nondifferentiable(_sign_of_det, name="slogdet")


class SlogdetResult(NamedTuple):
    """The determinant as ``sign * exp(logabsdet)``."""

    sign: Any
    logabsdet: Any


def slogdet(x: Any) -> SlogdetResult:
    """Sign and logarithm of the absolute determinant, which neither overflow nor underflow.

    Raises
    ------
    DerivativeError : ``x`` is complex, so that the sign is a phase, which has no rule here
    """
    if x.dtype.kind == "c":
        raise DerivativeError("slogdet: no rule for the phase of a complex determinant", remedy="Use log(abs(det(x))).")
    return SlogdetResult(sign_of_det(x), logabsdet(x))


def _solve(a: Any, b: Any) -> Any:
    return np.linalg.solve(a, b)


solve_matrix = primitive(
    _solve, name="solve", examples=lambda r: [case(_regular(r, 3, 3), r(3, 2)), case(_regular(r, 2, 3, 3), r(3, 1))]
)
defvjp(
    solve_matrix,
    lambda g, ans, a, b: -(solve_matrix(T(a), g) @ T(ans)),
    lambda g, ans, a, b: solve_matrix(T(a), g),
)
defjvp(solve_matrix, lambda g, ans, a, b: -solve_matrix(a, g @ ans), lambda g, ans, a, b: solve_matrix(a, g))


def solve(a: Any, b: Any) -> Any:
    """x of ``a @ x = b``; ``b`` is a vector or a matrix of columns.

    >>> solve(np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([1.0, 1.0]))
    array([0.5 , 0.25])
    """
    return solve_matrix(a, expand_dims(b, 1))[..., 0] if ndim(b) == 1 else solve_matrix(a, b)


def _factor(x: Any) -> Any:
    return np.linalg.cholesky(x)


def _lower_half(x: Any) -> Any:
    """The lower triangle with half of the diagonal."""
    return 0.5 * (tril(x) + tril(x, -1))


def _mirror(x: Any) -> Any:
    """The symmetric matrix that has the lower triangle of ``x``."""
    return tril(x) + T(tril(x, -1))


def _factor_pullback(g: Any, ans: Any, x: Any) -> Any:
    """Murray, arXiv:1602.07527, eq. 9, for a factorisation that reads the lower triangle alone."""
    middle = _lower_half(T(ans) @ tril(g))
    s = solve_matrix(T(ans), T(solve_matrix(T(ans), T(middle))))
    return tril(s + T(s)) - s * np.eye(x.shape[-1], dtype=x.dtype)


def _factor_push(g: Any, ans: Any, x: Any) -> Any:
    return ans @ _lower_half(solve_matrix(ans, T(solve_matrix(ans, _mirror(g)))))


def _definite(r: Sampler) -> list[Case]:
    return [case(m @ m.swapaxes(-1, -2) + np.eye(m.shape[-1], dtype=r.dtype)) for m in (r(3, 3), r(2, 2, 2))]


factor = primitive(_factor, name="cholesky", examples=_definite)
defvjp(factor, _factor_pullback)
defjvp(factor, _factor_push)


def cholesky(x: Any) -> Any:
    """The lower triangular L of ``L @ L.T = x``, for a symmetric positive definite real matrix.

    The derivative is with respect to the symmetric part of ``x``, so it is symmetric.

    Raises
    ------
    LinAlgError : ``x`` is not positive definite
    DerivativeError : ``x`` is complex
    """
    if x.dtype.kind == "c":
        raise DerivativeError("cholesky: no rule for a complex matrix", remedy="Factor real and imaginary blocks.")
    return factor(0.5 * (x + T(x)))


def _norm2(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    return np.sqrt(np.sum((x * x.conj()).real, axis, keepdims=keepdims))


def _ray(ans: Any, x: Any, axis: Axis) -> Any:
    """conj(x) / |x|, and 0 at x = 0, where the norm has no derivative."""
    length = spread(ans, x, axis)
    return conjugate(x) / where(length == 0, 1, length)


norm2 = primitive(
    _norm2,
    name="norm",
    examples=lambda r: [case(r(3)), case(r(2, 3)), case(r(2, 3), 1), case(r(2, 3, 4), axis=(0, 2), keepdims=True)],
)
defvjp(norm2, lambda g, ans, x, axis=None, keepdims=False: spread(g, x, axis) * _ray(ans, x, axis))
defjvp(norm2, lambda g, ans, x, axis=None, keepdims=False: real(sum(g * _ray(ans, x, axis), axis, keepdims=keepdims)))


def norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """The norm of vectors (``ord`` any number or infinity) or the Frobenius norm of matrices.

    Parameters
    ----------
    ord : None or "fro" is the root of the sum of squares; p is the vector norm sum(|x|^p)^(1/p)
    axis : of the vectors; None takes a vector, or all entries where ``ord`` is None or "fro"

    Raises
    ------
    NotImplementedError : a matrix norm that needs singular values

    >>> norm(np.array([3.0, -4.0])), norm(np.array([3.0, -4.0]), 1)
    (np.float64(5.0), np.float64(7.0))
    """
    vectors = isinstance(axis, int) or (axis is None and ndim(x) == 1)
    if ord is None or ord == "fro" or (ord == 2 and vectors):
        return norm2(x, axis, keepdims)
    if not vectors or isinstance(ord, str):
        raise NotImplementedError(
            f"norm: ord={ord!r} of a matrix (shape {x.shape}, axis {axis}); only 'fro' has a rule"
        )
    size = absolute(x)
    if ord == np.inf:
        return max(size, axis, keepdims)
    if ord == -np.inf:
        return min(size, axis, keepdims)
    if ord == 1:
        return sum(size, axis, keepdims=keepdims)
    return sum(size**ord, axis, keepdims=keepdims) ** (1 / ord)


RULED = ("cholesky", "det", "inv", "norm", "slogdet", "solve")
__all__ = ["LinAlgError", "SlogdetResult", "matrix_rank", *RULED]


def __getattr__(name: str) -> NoReturn:
    raise missing_name(np.linalg, name)
