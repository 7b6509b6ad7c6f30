"""Inverses and linear systems: inv, solve, and both of tensors.

The rules are the textbook's (Giles, "Collected matrix derivative results", 2008).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ddtrain.autodiff import Array, defjvp, defvjp, primitive
from ddtrain.autodiff.core.examples import case
from ddtrain.numpy.linalg.matrices import T, matrix, regular, square
from ddtrain.numpy.manipulation.axes import expand_dims, moveaxis
from ddtrain.numpy.manipulation.shapes import ndim, ravel, reshape, shape

inv = primitive(np.linalg.inv, examples=square)
defvjp(inv, lambda g, ans, x: -(T(ans) @ g @ T(ans)))
defjvp(inv, lambda g, ans, x: -(ans @ g @ ans))


def _solve(a: Array, b: Array) -> Array:
    return np.linalg.solve(a, b)


solve_matrix = primitive(
    _solve,
    name="solve",
    examples=lambda r: [
        case(regular(r, 3, 3), r(3, 2)),
        case(regular(r, 2, 3, 3), r(3, 1)),
        case(regular(r, 2, 2), r(3, 2, 1)),
    ],
)
defvjp(
    solve_matrix,
    lambda g, ans, a, b: -(solve_matrix(T(a), g) @ T(ans)),
    lambda g, ans, a, b: solve_matrix(T(a), g),
)
defjvp(solve_matrix, lambda g, ans, a, b: -solve_matrix(a, g @ ans), lambda g, ans, a, b: solve_matrix(a, g))


def solve(a: Array, b: Array) -> Array:
    """x of ``a @ x = b``; ``b`` is a vector or a matrix of columns.

    >>> solve(np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([1.0, 1.0]))
    array([0.5 , 0.25])
    """
    a, b = matrix(a), matrix(b)
    return solve_matrix(a, expand_dims(b, 1))[..., 0] if ndim(b) == 1 else solve_matrix(a, b)


def tensorsolve(a: Array, b: Array, axes: Sequence[int] | None = None) -> Array:
    """x of ``tensordot(a, x, ndim(x)) = b``; ``axes`` of ``a`` are moved to the end first."""
    a, b = matrix(a), matrix(b)
    if axes is not None:
        a = moveaxis(a, axes, range(-len(axes), 0))
    summed = shape(a)[ndim(b) :]
    n = math.prod(summed)
    return reshape(solve(reshape(a, (-1, n)), ravel(b)), summed)


def tensorinv(a: Array, ind: int = 2) -> Array:
    """The inverse of ``a`` under ``tensordot``, whose first ``ind`` axes count as its rows."""
    if ind <= 0:
        raise ValueError(f"tensorinv: ind is {ind}; at least one axis must count as rows")
    a = matrix(a)
    rows, columns = shape(a)[:ind], shape(a)[ind:]
    return reshape(inv(reshape(a, (math.prod(columns), -1))), columns + rows)
