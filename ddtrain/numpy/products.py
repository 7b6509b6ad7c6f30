"""Products of matrices and tensors: matmul, dot, inner, outer, tensordot, kron, einsum.

All but ``matmul`` and ``einsum`` are compositions of these two and of reshaping, so they have no rules of their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ddtrain.autodiff import defjvp, defvjp, primitive
from ddtrain.autodiff.examples import case
from ddtrain.numpy.indexing import diagonal
from ddtrain.numpy.reductions import sum
from ddtrain.numpy.shapes import expand_dims, matrix_transpose, moveaxis, ndim, ravel, reshape, shape, transpose


def _left_rule(g: Any, ans: Any, x: Any, y: Any) -> Any:
    if ndim(y) == 1:
        return expand_dims(g, -1) * y
    if x.ndim == 1:
        return matmul(y, expand_dims(g, -1))[..., 0]
    return matmul(g, matrix_transpose(y))


def _right_rule(g: Any, ans: Any, x: Any, y: Any) -> Any:
    if ndim(x) == 1:
        return x * g if y.ndim == 1 else expand_dims(x, -1) * expand_dims(g, -2)
    if y.ndim == 1:
        return matmul(ravel(g), reshape(x, (-1, x.shape[-1]))) if x.size else np.zeros(y.shape, y.dtype)
    if y.ndim == 2 and ndim(x) > 2:  # one product over all rows, rather than a sum of one for each matrix
        rows = math.prod(x.shape[:-1])
        return matmul(transpose(reshape(x, (rows, x.shape[-1]))), reshape(g, (rows, y.shape[-1])))
    return matmul(matrix_transpose(x), g)


matmul = primitive(
    np.matmul,
    examples=lambda r: [
        case(r(2, 3), r(3, 4)),
        case(r(3), r(3)),
        case(r(2, 3), r(3)),
        case(r(3), r(3, 2)),
        case(r(2, 2, 3), r(3, 4)),
        case(r(2, 2, 3), r(3)),
        case(r(3), r(2, 3, 2)),
        case(r(2, 1, 2, 3), r(3, 3, 2)),
        case(r(0, 3), r(3, 2)),
    ],
)
defvjp(matmul, _left_rule, _right_rule)
defjvp(matmul, lambda g, ans, x, y: matmul(g, y), lambda g, ans, x, y: matmul(x, g))


def tensordot(x: Any, y: Any, axes: int | Sequence[Any] = 2) -> Any:
    """The sum of products over the given axes of both: the last and first ``axes``, or two lists of axes."""
    if isinstance(axes, int):
        over_x, over_y = list(range(ndim(x) - axes, ndim(x))), list(range(axes))
    else:
        over_x, over_y = ([a] if isinstance(a, int) else list(a) for a in axes)
    left = moveaxis(x, over_x, range(-len(over_x), 0)) if over_x else x
    right = moveaxis(y, over_y, range(len(over_y))) if over_y else y
    rows, columns = shape(left)[: ndim(x) - len(over_x)], shape(right)[len(over_y) :]
    summed = shape(left)[ndim(x) - len(over_x) :]
    if summed != shape(right)[: len(over_y)]:
        raise ValueError(f"tensordot: axes {over_x} of shape {shape(x)} do not match axes {over_y} of shape {shape(y)}")
    n = math.prod(summed)
    product = matmul(reshape(left, (math.prod(rows), n)), reshape(right, (n, math.prod(columns))))
    return reshape(product, rows + columns)


def dot(x: Any, y: Any) -> Any:
    """The matrix product; of more than two axes, the last of ``x`` is summed against the second last of ``y``."""
    if ndim(x) == 0 or ndim(y) == 0:
        return x * y
    if ndim(x) <= 2 and ndim(y) <= 2:
        return matmul(x, y)
    return tensordot(x, y, (-1, -1 if ndim(y) == 1 else -2))


def inner(x: Any, y: Any) -> Any:
    """The sum of products over the last axes of both."""
    return x * y if ndim(x) == 0 or ndim(y) == 0 else tensordot(x, y, (-1, -1))


def vdot(x: Any, y: Any) -> Any:
    """The inner product of both as vectors, the first conjugated."""
    return matmul(ravel(x).conj(), ravel(y))


def outer(x: Any, y: Any) -> Any:
    """Every product of an entry of ``x`` and an entry of ``y``, as a matrix."""
    return expand_dims(ravel(x), 1) * ravel(y)


def kron(x: Any, y: Any) -> Any:
    """Blocks ``x[i, j] * y``."""
    n = max(ndim(x), ndim(y))
    extents_x, extents_y = ((1,) * (n - ndim(a)) + shape(a) for a in (x, y))
    left = reshape(x, tuple(k for extent in extents_x for k in (extent, 1)))
    right = reshape(y, tuple(k for extent in extents_y for k in (1, extent)))
    return reshape(left * right, tuple(a * b for a, b in zip(extents_x, extents_y, strict=True)))


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum of a diagonal."""
    return sum(diagonal(x, offset, axis1, axis2), -1)
