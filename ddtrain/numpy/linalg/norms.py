"""Norms of vectors and matrices, and the condition number."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.autodiff import Array, defjvp, defvjp, primitive
from ddtrain.autodiff.core.examples import case
from ddtrain.numpy.along_axes.reductions import Axis, max, min, spread, sum
from ddtrain.numpy.elementwise.arithmetic import absolute, inverse_length, root
from ddtrain.numpy.elementwise.complex_numbers import conjugate, real
from ddtrain.numpy.linalg.matrices import matrix
from ddtrain.numpy.linalg.solves import inv
from ddtrain.numpy.linalg.svd import svdvals
from ddtrain.numpy.manipulation.axes import expand_dims, moveaxis
from ddtrain.numpy.manipulation.shapes import integers, ndim, ravel, reshape


def _norm2(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    return np.sqrt(np.sum((x * x.conj()).real, axis, keepdims=keepdims))


def _ray(ans: Any, x: Any, axis: Axis) -> Any:
    """conj(x) / |x|, and 0 at x = 0, where the norm has no derivative."""
    return conjugate(x) * spread(inverse_length(ans), x, axis)


norm2 = primitive(
    _norm2,
    name="norm",
    examples=lambda r: [case(r(3)), case(r(2, 3)), case(r(2, 3), 1), case(r(2, 3, 4), axis=(0, 2), keepdims=True)],
)
defvjp(norm2, lambda g, ans, x, axis=None, keepdims=False: spread(g, x, axis) * _ray(ans, x, axis))
defjvp(norm2, lambda g, ans, x, axis=None, keepdims=False: real(sum(g * _ray(ans, x, axis), axis, keepdims=keepdims)))


def norm(x: Array, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Array:
    """The norm of vectors or matrices.

    Parameters
    ----------
    ord : of vectors, any number or infinity: p is sum(|x|^p)^(1/p), 0 counts what is not zero. Of matrices: "fro",
        "nuc", or 1, 2, infinity and their negatives. None is the root of the sum of squares of either
    axis : one axis of vectors, or a pair of matrices; None takes all of ``x``

    Notes
    -----
    The derivative at a zero vector, where there is none, is 0, and the second derivative NaN.

    >>> norm(np.array([3.0, -4.0])), norm(np.array([3.0, -4.0]), 1)
    (np.float64(5.0), np.float64(7.0))
    """
    x = matrix(x)
    if ord is None and (axis is None or len(integers(axis)) == 1):
        return norm2(x, axis if axis is None else integers(axis), keepdims)
    axes = tuple(range(ndim(x))) if axis is None else integers(axis)
    if len(axes) == 1:
        return _vector(x, ord, axes, keepdims)
    if len(axes) != 2:
        raise ValueError(f"norm: ord={ord!r} needs one axis or two, not {axes}")
    return _matrix(x, ord, axes, keepdims)


def _largest(size: Any, axis: Axis, keepdims: bool = False) -> Any:
    """The largest of lengths, and 0 of none."""
    return (max if size.size else sum)(size, axis, keepdims=keepdims)


def _vector(x: Any, ord: Any, axis: Axis, keepdims: bool) -> Any:
    if isinstance(ord, str):
        raise ValueError(f"norm: ord={ord!r} is not a norm of vectors")
    if ord == 2:
        return norm2(x, axis, keepdims)
    size = absolute(x)
    if ord in (np.inf, -np.inf):
        return (_largest if ord > 0 else min)(size, axis, keepdims=keepdims)
    if ord == 0:
        return sum((x != 0).astype(size.dtype), axis, keepdims=keepdims)
    if ord == 1:
        return sum(size, axis, keepdims=keepdims)
    return root(sum(size**ord, axis, keepdims=keepdims), ord)


def _matrix(x: Any, ord: Any, axes: tuple[Any, ...], keepdims: bool) -> Any:
    if ord in (None, "fro"):
        return norm2(x, axes, keepdims)
    if ord not in (1, -1, 2, -2, np.inf, -np.inf, "nuc"):
        raise ValueError(f"norm: ord={ord!r} is not a norm of matrices")
    stacked = moveaxis(x, axes, (-2, -1))
    if ord == "nuc":
        result = sum(svdvals(stacked), -1)
    else:
        sums = svdvals(stacked) if ord in (2, -2) else sum(absolute(stacked), -2 if ord in (1, -1) else -1)
        result = (_largest if ord > 0 else min)(sums, -1)
    return expand_dims(result, [axis % ndim(x) for axis in axes]) if keepdims else result


def vector_norm(x: Array, /, *, axis: Axis = None, keepdims: bool = False, ord: float = 2) -> Array:
    """The norm of vectors along ``axis``, an axis or several; of all entries for None. ``ord`` as in :func:`norm`.

    >>> vector_norm(np.ones((2, 2)))
    np.float64(2.0)
    """
    x = matrix(x)
    if axis is None and keepdims:
        return reshape(_vector(ravel(x), ord, 0, False), (1,) * ndim(x))
    return _vector(ravel(x) if axis is None else x, ord, 0 if axis is None else axis, keepdims)


def matrix_norm(x: Array, /, *, keepdims: bool = False, ord: Any = "fro") -> Array:
    """The norm of matrices in the last two axes; ``ord`` as in :func:`norm`."""
    return _matrix(matrix(x), ord, (-2, -1), keepdims)


def cond(x: Array, p: Array = None) -> Array:
    """The condition number of each matrix in the norm ``p``: the ratio of extreme singular values for None, 2 and -2.

    >>> cond(np.diag([1.0, 4.0]))
    np.float64(4.0)
    """
    x = matrix(x)
    if p in (None, 2, -2):
        s = svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return matrix_norm(x, ord=p) * matrix_norm(inv(x), ord=p)
