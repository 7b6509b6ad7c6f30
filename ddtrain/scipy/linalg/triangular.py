"""Triangular systems, and the Cholesky factor to solve with."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg as sl

from ddtrain.autodiff import defjvp, defvjp, primitive
from ddtrain.autodiff.core.examples import Case, Sampler, case
from ddtrain.errors import DerivativeError
from ddtrain.numpy import conj, expand_dims, ndim, tril, triu
from ddtrain.numpy import matrix_transpose as T
from ddtrain.numpy.linalg import factorizations
from ddtrain.numpy.linalg.matrices import H, matrix, mirror
from ddtrain.scipy.fallback import scipys_unless_traced
from ddtrain.scipy.linalg.stacks import VECTOR_OR_MATRIX, over_stacks

_TRANS = {0: 0, 1: 1, 2: 2, "N": 0, "T": 1, "C": 2}


def _solve(a: Any, b: Any, trans: int, lower: bool, unit_diagonal: bool) -> Any:
    return sl.solve_triangular(a, b, trans=trans, lower=lower, unit_diagonal=unit_diagonal)


def _read(x: Any, lower: bool, unit_diagonal: bool) -> Any:
    """The entries of a matrix that the solver reads."""
    k = 1 if unit_diagonal else 0
    return tril(x, -k) if lower else triu(x, k)


def _systems(r: Sampler) -> list[Case]:
    a = r(3, 3) + 3 * np.eye(3, dtype=r.dtype)
    return [
        case(a, r(3, 2), trans, lower, unit)
        for trans, lower, unit in ((0, True, False), (1, False, False), (0, False, True))
    ]


solve_columns = primitive(_solve, name="solve_triangular", examples=_systems)


def _matrix_vjp(g: Any, ans: Any, a: Any, b: Any, trans: int, lower: bool, unit_diagonal: bool) -> Any:
    h = solve_columns(a, g, 1 - trans, lower, unit_diagonal)
    return -_read(ans @ T(h) if trans else h @ T(ans), lower, unit_diagonal)


def _matrix_jvp(g: Any, ans: Any, a: Any, b: Any, trans: int, lower: bool, unit_diagonal: bool) -> Any:
    moved = _read(g, lower, unit_diagonal)
    return -solve_columns(a, (T(moved) if trans else moved) @ ans, trans, lower, unit_diagonal)


defvjp(
    solve_columns,
    _matrix_vjp,
    lambda g, ans, a, b, trans, lower, unit_diagonal: solve_columns(a, g, 1 - trans, lower, unit_diagonal),
)
defjvp(
    solve_columns,
    _matrix_jvp,
    lambda g, ans, a, b, trans, lower, unit_diagonal: solve_columns(a, g, trans, lower, unit_diagonal),
)


@over_stacks(a=2, b=VECTOR_OR_MATRIX)
def solve_triangular(
    a: Any,
    b: Any,
    trans: int | str = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """x of ``a @ x = b``, reading one triangle of ``a`` alone.

    Parameters
    ----------
    b : a vector, or a matrix of columns
    trans : 0 or "N" as it is; 1 or "T" for the transpose of ``a``; 2 or "C" for its conjugate transpose
    overwrite_b, check_finite : of SciPy's; ``b`` is never written to, and always checked

    Raises
    ------
    LinAlgError : a zero on the diagonal

    >>> solve_triangular(np.array([[2.0, 9.0], [1.0, 4.0]]), np.array([2.0, 5.0]), lower=True)
    array([1., 1.])
    """
    if trans not in _TRANS:
        raise DerivativeError(f"solve_triangular: trans={trans!r} is none of {', '.join(map(repr, _TRANS))}")
    code = _TRANS[trans]
    if code == 2:
        a, code = conj(a), 1
    if ndim(b) == 1:
        return solve_columns(a, expand_dims(b, 1), code, lower, unit_diagonal)[:, 0]
    return solve_columns(a, b, code, lower, unit_diagonal)


@scipys_unless_traced(sl.cholesky)
def cholesky(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The triangular factor of a Hermitian positive definite matrix: ``L @ L.conj().T`` or ``U.conj().T @ U``.

    One triangle is read, the lower one for ``lower``, and the derivative is with respect to that triangle.

    >>> cholesky(np.array([[4.0, 2.0], [2.0, 5.0]]))
    array([[2., 1.],
           [0., 2.]])
    """
    a = matrix(a)
    factor = factorizations.cholesky(mirror(a if lower else H(a)))
    return factor if lower else conj(T(factor))


def cho_factor(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Any, bool]:
    """``(factor, lower)`` for :func:`cho_solve`. Unlike SciPy's, the other triangle is zero."""
    return cholesky(a, lower), lower


def cho_solve(c_and_lower: tuple[Any, bool], b: Any, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    """x of ``a @ x = b``, given ``cho_factor(a)``.

    >>> cho_solve(cho_factor(np.array([[4.0, 2.0], [2.0, 5.0]])), np.array([6.0, 7.0]))
    array([1., 1.])
    """
    return _cho_solve(*c_and_lower, b)


@over_stacks(factor=2, b=VECTOR_OR_MATRIX)
def _cho_solve(factor: Any, lower: bool, b: Any) -> Any:
    first, second = (0, 2) if lower else (2, 0)
    return solve_triangular(factor, solve_triangular(factor, b, first, lower), second, lower)
