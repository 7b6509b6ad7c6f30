"""Banded systems. A matrix with l diagonals below and u above the main one is stored as its l + u + 1 diagonals.

Row u + i - j, column j of the storage holds entry (i, j): each row is one diagonal, moved by its offset. So products
and transposes are sums of moved rows, and cost the number of stored entries.
"""

# D stored diagonals, N unknowns, K right-hand sides

from __future__ import annotations

from typing import Any

import scipy.linalg as sl

from ddtrain.autodiff import defjvp, defvjp, primitive
from ddtrain.autodiff.core.examples import Case, Sampler, case
from ddtrain.numpy import concatenate, expand_dims, ndim, stack, sum, zeros_like
from ddtrain.scipy.linalg.stacks import VECTOR_OR_MATRIX, over_stacks


def _moved(x: Any, by: int) -> Any:
    """The entries along the first axis moved by ``by`` places; zeros come in."""
    n = x.shape[0]
    by = max(-n, min(n, by))
    if by >= 0:
        return concatenate([zeros_like(x[:by]), x[: n - by]])
    return concatenate([x[-by:], zeros_like(x[:-by])])


def _transposed(ab_DN: Any, lower: int, upper: int) -> Any:
    """The storage of the transposed matrix, which has ``upper`` diagonals below."""
    return stack([_moved(ab_DN[lower + upper - row], lower - row) for row in range(lower + upper + 1)])


def _times(ab_DN: Any, x_NK: Any, lower: int, upper: int) -> Any:
    """The banded matrix times ``x_NK``."""
    terms = [_moved(expand_dims(ab_DN[row], 1) * x_NK, row - upper) for row in range(lower + upper + 1)]
    return sum(stack(terms), 0)


def _stored_outer(h_NK: Any, x_NK: Any, lower: int, upper: int) -> Any:
    """The stored diagonals of ``h_NK @ x_NK.T``."""
    return stack([sum(_moved(h_NK, upper - row) * x_NK, 1) for row in range(lower + upper + 1)])


def _solve(ab_DN: Any, b_NK: Any, lower: int, upper: int) -> Any:
    return sl.solve_banded((lower, upper), ab_DN, b_NK)


def _systems(r: Sampler) -> list[Case]:
    def dominant(lower: int, upper: int) -> Any:
        ab = r(lower + upper + 1, 5)
        ab[upper] += 6
        return ab

    return [case(dominant(lower, upper), r(5, 2), lower, upper) for lower, upper in ((1, 2), (0, 1), (2, 0))]


solve_columns = primitive(_solve, name="solve_banded", examples=_systems)


def _adjoint(g: Any, ab: Any, lower: int, upper: int) -> Any:
    return solve_columns(_transposed(ab, lower, upper), g, upper, lower)


defvjp(
    solve_columns,
    lambda g, ans, ab, b, lower, upper: -_stored_outer(_adjoint(g, ab, lower, upper), ans, lower, upper),
    lambda g, ans, ab, b, lower, upper: _adjoint(g, ab, lower, upper),
)
defjvp(
    solve_columns,
    lambda g, ans, ab, b, lower, upper: -solve_columns(ab, _times(g, ans, lower, upper), lower, upper),
    lambda g, ans, ab, b, lower, upper: solve_columns(ab, g, lower, upper),
)


def solve_banded(
    l_and_u: tuple[int, int],
    ab: Any,
    b: Any,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """x of ``a @ x = b`` for the matrix stored in ``ab`` as its diagonals.

    Parameters
    ----------
    l_and_u : how many diagonals are below and above the main one
    ab : (l + u + 1, N); row u + i - j, column j holds entry (i, j); the other entries are not read
    b : (N,), or (N, K) columns
    overwrite_ab, overwrite_b, check_finite : of SciPy's; nothing is written to, and everything checked

    >>> import numpy as np
    >>> solve_banded((1, 1), np.array([[0.0, 1.0], [2.0, 3.0], [0.0, 0.0]]), np.array([3.0, 3.0]))
    array([1., 1.])
    """
    return _solve_columns(ab, b, *l_and_u)


@over_stacks(ab=2, b=VECTOR_OR_MATRIX)
def _solve_columns(ab: Any, b: Any, lower: int, upper: int) -> Any:
    if ndim(b) == 1:
        return solve_columns(ab, expand_dims(b, 1), lower, upper)[:, 0]
    return solve_columns(ab, b, lower, upper)
