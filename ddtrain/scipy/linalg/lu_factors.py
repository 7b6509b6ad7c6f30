"""The factorization ``a = P @ L @ U``, and solving with it. The permutation is constant between its jumps.

Where two pivots tie, L and U jump with the permutation, and the derivative is that of the one LAPACK took.
"""

# M rows, N columns, K = min(M, N), J right-hand sides

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg as sl

from ddtrain.autodiff import Outputs, defjvp, defvjp, nondifferentiable, pack, primitive, unpack, value_of
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import DerivativeError, ShapeError
from ddtrain.numpy import asarray, concatenate, tril, triu
from ddtrain.numpy import matrix_transpose as T
from ddtrain.numpy.linalg.matrices import matrix
from ddtrain.numpy.linalg.solves import solve_matrix
from ddtrain.scipy.fallback import scipys_unless_traced
from ddtrain.scipy.linalg.stacks import VECTOR_OR_MATRIX, over_stacks
from ddtrain.scipy.linalg.triangular import solve_triangular


def _rows(a_MN: Any) -> Any:
    """p of ``a = l[p] @ u``."""
    return sl.lu(a_MN, p_indices=True)[0]


def _pivots(a_MN: Any) -> Any:
    return sl.lu_factor(a_MN)[1]


def _without_pivoting(a_NN: Any) -> Any:
    p, l_NN, u_NN = sl.lu(a_NN, p_indices=True)
    assert np.array_equal(p, np.arange(len(p))), "rows are in the order of the pivots"
    return Outputs((l_NN, u_NN))


rows_of = nondifferentiable(_rows, name="lu_rows")
pivots_of = nondifferentiable(_pivots, name="lu_pivots")
pivoted_lu = primitive(
    _without_pivoting,
    name="lu",
    examples=lambda r: [case(0.2 * r(n, n) + np.diag(np.arange(n, 0.0, -1).astype(r.dtype) + 1)) for n in (3, 1)],
)


def _needs_pivots(u_NN: Any) -> None:
    d = np.abs(np.diagonal(value_of(u_NN)))
    if d.size and np.min(d) <= len(d) * np.finfo(d.dtype).eps * np.max(d):
        raise DerivativeError(
            f"lu: pivot {int(np.argmin(d))} is zero, and L and U have no derivative where the matrix is singular",
            remedy="Perturb the matrix.",
        )


def _lu_jvp(g: Any, ans: Any, a: Any) -> Any:
    """With m = inv(L) dA inv(U), dL is L times its strict lower triangle, and dU its upper triangle times U."""
    l_NN, u_NN = unpack(ans)
    _needs_pivots(u_NN)
    m = T(solve_matrix(T(u_NN), T(solve_matrix(l_NN, g))))
    return pack(l_NN @ tril(m, -1), triu(m) @ u_NN)


def _lu_vjp(g: Any, ans: Any, a: Any) -> Any:
    l_NN, u_NN = unpack(ans)
    _needs_pivots(u_NN)
    gl, gu = unpack(g)
    m = tril(T(l_NN) @ gl, -1) + triu(gu @ T(u_NN))
    return solve_matrix(T(l_NN), T(solve_matrix(u_NN, T(m))))


defvjp(pivoted_lu, _lu_vjp)
defjvp(pivoted_lu, _lu_jvp)


def _factors(a_MN: Any) -> tuple[Any, Any, Any]:
    """p, L (M, K) and U (K, N) of ``a = l[p] @ u``: those of the leading square, and what follows from them."""
    p = value_of(rows_of(a_MN))
    a_MN = a_MN[np.argsort(p)]
    m, n = a_MN.shape
    k = min(m, n)
    lower, upper = unpack(pivoted_lu(a_MN[:k, :k]))
    if m > k:
        lower = concatenate([lower, T(solve_triangular(upper, T(a_MN[k:]), trans="T"))])
    if n > k:
        right = solve_triangular(lower, a_MN[:, k:], lower=True, unit_diagonal=True)
        upper = concatenate([upper, right], 1)
    return p, lower, upper


@scipys_unless_traced(sl.lu)
@over_stacks(a=2)
def lu(
    a: Any, permute_l: bool = False, overwrite_a: bool = False, check_finite: bool = True, p_indices: bool = False
) -> Any:
    """``(P, L, U)`` of ``a = P @ L @ U``: a permutation, a unit lower and an upper triangular matrix.

    Parameters
    ----------
    permute_l : return ``(P @ L, U)``
    p_indices : return for P the indices p of ``a = L[p] @ U``

    Raises
    ------
    DerivativeError : differentiated at a singular matrix, naming the pivot

    >>> lu(np.array([[0.0, 2.0], [1.0, 3.0]]))[2]
    array([[1., 3.],
           [0., 2.]])
    """
    a = matrix(a)
    p, lower, upper = _factors(a)
    if permute_l:
        return lower[p], upper
    return p if p_indices else np.eye(len(p), dtype=a.real.dtype)[p], lower, upper


@scipys_unless_traced(sl.lu_factor)
@over_stacks(a=2)
def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Any, Any]:
    """``(lu, piv)`` for :func:`lu_solve`: both triangles in one matrix, and what row each was exchanged with.

    >>> lu_factor(np.array([[0.0, 2.0], [1.0, 3.0]]))[1]
    array([1, 1], dtype=int32)
    """
    a = matrix(a)
    _, lower, upper = _factors(a)
    m, n = a.shape
    if m > n:  # one matrix of a's shape that holds both triangles
        packed = concatenate([tril(lower[:n], -1) + upper, lower[n:]])
    else:
        packed = upper + concatenate([tril(lower, -1), np.zeros((m, n - m), a.dtype)], 1)
    return packed, value_of(pivots_of(a))


@scipys_unless_traced(sl.lu_solve)
def lu_solve(
    lu_and_piv: tuple[Any, Any], b: Any, trans: int = 0, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """x of ``a @ x = b``, given ``lu_factor(a)``; with ``a.T`` for ``trans`` 1, and its conjugate for 2.

    >>> lu_solve(lu_factor(np.array([[0.0, 2.0], [1.0, 3.0]])), np.array([2.0, 4.0]))
    array([1., 1.])
    """
    if trans not in (0, 1, 2):
        raise DerivativeError(f"lu_solve: trans={trans!r} is none of 0, 1, 2")
    return _lu_solve(*lu_and_piv, asarray(b), trans)


@over_stacks(packed=2, piv=1, b=VECTOR_OR_MATRIX)
def _lu_solve(packed: Any, piv: Any, b: Any, trans: int) -> Any:
    if packed.shape[0] != packed.shape[1] or packed.shape[0] != b.shape[0]:
        raise ShapeError(f"lu_solve: factors of shape {packed.shape} do not go with b of shape {b.shape}")
    order = np.arange(len(piv))
    for i, j in enumerate(value_of(piv)):
        order[[i, j]] = order[[j, i]]
    if trans == 0:
        half = solve_triangular(packed, b[order], lower=True, unit_diagonal=True)
        return solve_triangular(packed, half)
    half = solve_triangular(packed, b, trans)
    return solve_triangular(packed, half, trans, lower=True, unit_diagonal=True)[np.argsort(order)]
