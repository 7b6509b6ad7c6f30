"""Products of matrices and tensors: matmul, dot, inner, outer, tensordot, kron, cross.

All but ``matmul`` are compositions of it, of ``einsum`` and of reshaping, so they have no rules of their own.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ddtrain.autodiff import Array, defjvp, defvjp, primitive
from ddtrain.autodiff.core.examples import case
from ddtrain.numpy.along_axes.reductions import sum
from ddtrain.numpy.manipulation.axes import expand_dims, matrix_transpose, moveaxis
from ddtrain.numpy.manipulation.indexing import diagonal
from ddtrain.numpy.manipulation.joining import asarray, stack
from ddtrain.numpy.manipulation.shapes import as_array, integers, is_integer, ndim, ravel, reshape, shape, transpose

__all__ = [
    "cross", "dot", "inner", "kron", "matmul", "matvec", "outer", "tensordot", "trace", "vdot", "vecdot", "vecmat",
]  # fmt: skip


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
    if y.ndim == 2 and ndim(x) > 2:  # fold all leading axes into rows: one large product is faster than many small ones
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


def tensordot(x: Array, y: Array, axes: Any = 2) -> Array:
    """The sum of products over the given axes of both: the last and first ``axes``, or two lists of axes.

    >>> tensordot(np.ones((2, 3, 4)), np.ones((3, 4, 5)))[0]
    array([12., 12., 12., 12., 12.])
    """
    if is_integer(axes):
        (n,) = integers(axes)
        over_x, over_y = list(range(ndim(x) - n, ndim(x))), list(range(n))
    else:
        over_x, over_y = (list(integers(a)) for a in axes)
    left = moveaxis(x, over_x, range(-len(over_x), 0)) if over_x else x
    right = moveaxis(y, over_y, range(len(over_y))) if over_y else y
    rows, columns = shape(left)[: ndim(x) - len(over_x)], shape(right)[len(over_y) :]
    summed = shape(left)[ndim(x) - len(over_x) :]
    if summed != shape(right)[: len(over_y)]:
        raise ValueError(f"tensordot: axes {over_x} of shape {shape(x)} do not match axes {over_y} of shape {shape(y)}")
    n = math.prod(summed)
    product = matmul(reshape(left, (math.prod(rows), n)), reshape(right, (n, math.prod(columns))))
    return reshape(product, rows + columns)


def dot(x: Array, y: Array) -> Array:
    """The matrix product; of more than two axes, the last of ``x`` is summed against the second last of ``y``.

    >>> dot(np.ones((2, 3)), np.ones((4, 3, 5))).shape
    (2, 4, 5)
    """
    x, y = as_array(x), as_array(y)
    if ndim(x) == 0 or ndim(y) == 0:
        return x * y
    if ndim(x) <= 2 and ndim(y) <= 2:
        return matmul(x, y)
    return tensordot(x, y, (-1, -1 if ndim(y) == 1 else -2))


def inner(x: Array, y: Array) -> Array:
    """The sum of products over the last axes of both.

    >>> inner(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([10.0, 1.0]))
    array([12., 34.])
    """
    x, y = as_array(x), as_array(y)
    return x * y if ndim(x) == 0 or ndim(y) == 0 else tensordot(x, y, (-1, -1))


def vdot(x: Array, y: Array) -> Array:
    """The inner product of both as vectors, the first conjugated.

    >>> complex(vdot(np.array([1j, 1.0]), np.array([1j, 2.0])))
    (3+0j)
    """
    return matmul(ravel(x).conj(), ravel(y))


def outer(x: Array, y: Array) -> Array:
    """Every product of an entry of ``x`` and an entry of ``y``, as a matrix.

    >>> outer(np.array([1.0, 2.0]), np.array([10.0, 20.0]))
    array([[10., 20.],
           [20., 40.]])
    """
    return expand_dims(ravel(x), 1) * ravel(y)


def kron(x: Array, y: Array) -> Array:
    """Blocks ``x[i, j] * y``.

    >>> kron(np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    array([ 1., 10.,  2., 20.])
    """
    n = max(ndim(x), ndim(y))
    extents_x, extents_y = ((1,) * (n - ndim(a)) + shape(a) for a in (x, y))
    left = reshape(x, tuple(k for extent in extents_x for k in (extent, 1)))
    right = reshape(y, tuple(k for extent in extents_y for k in (1, extent)))
    return reshape(left * right, tuple(a * b for a, b in zip(extents_x, extents_y, strict=True)))


def trace(x: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The sum of a diagonal.

    >>> float(trace(np.array([[1.0, 2.0], [3.0, 4.0]]), offset=1))
    2.0
    """
    return sum(diagonal(x, offset, axis1, axis2), -1)


def vecdot(x: Array, y: Array, *, axis: int = -1) -> Array:
    """The inner products of vectors along ``axis``, the first conjugated.

    >>> vecdot(np.ones((2, 3)), np.arange(3.0))
    array([3., 3.])
    """
    x, y = asarray(x), asarray(y)
    return sum(moveaxis(x, axis, -1).conj() * moveaxis(y, axis, -1), -1)


def matvec(x: Array, y: Array) -> Array:
    """The product of each matrix with a vector, in the last axes.

    >>> matvec(np.eye(2), np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[1., 2.],
           [3., 4.]])
    """
    return matmul(as_array(x), expand_dims(y, -1))[..., 0]


def vecmat(x: Array, y: Array) -> Array:
    """The product of each vector, conjugated, with a matrix, in the last axes."""
    return matmul(expand_dims(asarray(x).conj(), -2), y)[..., 0, :]


def cross(x: Array, y: Array, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Array:
    """The vector product of vectors of three entries; of two entries, the third entry of it.

    Parameters
    ----------
    axisa, axisb, axisc : the axes of the vectors in ``x``, in ``y``, and in the result
    axis : stands for all three

    >>> cross(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    array([0., 0., 1.])
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = moveaxis(asarray(x), axisa, -1), moveaxis(asarray(y), axisb, -1)
    if {x.shape[-1], y.shape[-1]} - {2, 3}:
        raise ValueError(f"cross: vectors of {x.shape[-1]} and {y.shape[-1]} entries; only 2 or 3 have a cross product")
    flat_x, flat_y = x.shape[-1] == 2, y.shape[-1] == 2
    third = x[..., 0] * y[..., 1] - x[..., 1] * y[..., 0]
    if flat_x and flat_y:
        return third
    first: Any = 0
    second: Any = 0
    if not flat_y:
        first, second = x[..., 1] * y[..., 2], -x[..., 0] * y[..., 2]
    if not flat_x:
        first, second = first - x[..., 2] * y[..., 1], second + x[..., 2] * y[..., 0]
    return moveaxis(stack([first, second, third], -1), -1, axisc)
