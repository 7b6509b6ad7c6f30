"""Turning arrays around and fitting them to each other: compositions of ``shapes`` and ``joining``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ddtrain.autodiff import Array
from ddtrain.errors import ShapeError
from ddtrain.numpy.manipulation.axes import expand_dims, moveaxis, swapaxes
from ddtrain.numpy.manipulation.indexing import diag, take
from ddtrain.numpy.manipulation.joining import asarray
from ddtrain.numpy.manipulation.shapes import broadcast_to, flip, integers, ndim, ravel, reshape, shape

__all__ = [
    "broadcast_arrays", "diagflat", "fliplr", "flipud", "ix_", "make_diagonal", "meshgrid", "resize", "rollaxis",
    "rot90", "trim_zeros", "unstack",
]  # fmt: skip


def fliplr(x: Array) -> Array:
    """``x`` reversed along axis 1.

    >>> fliplr(np.array([[1, 2], [3, 4]]))
    array([[2, 1],
           [4, 3]])
    """
    return flip(x, 1)


def flipud(x: Array) -> Array:
    """``x`` reversed along axis 0.

    >>> flipud(np.array([[1, 2], [3, 4]]))
    array([[3, 4],
           [1, 2]])
    """
    return flip(x, 0)


def rot90(x: Array, k: int = 1, axes: Sequence[int] = (0, 1)) -> Array:
    """``x`` turned by ``k`` right angles, from the first of ``axes`` towards the second.

    >>> rot90(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[2., 4.],
           [1., 3.]])
    """
    x, (first, second) = asarray(x), axes
    if k % 4 == 0:
        return x
    if k % 4 == 2:
        return flip(flip(x, first), second)
    return swapaxes(flip(x, second), first, second) if k % 4 == 1 else flip(swapaxes(x, first, second), second)


def rollaxis(x: Array, axis: int, start: int = 0) -> Array:
    """``x`` with ``axis`` moved before the axis ``start``."""
    n = ndim(x)
    axis, start = axis % n, start + n if start < 0 else start
    return moveaxis(x, axis, start - 1 if axis < start else start)


def make_diagonal(D: Any, offset: int = 0, axis1: int = -1, axis2: int = -2) -> Array:
    """Square matrices in the last two axes with the last axis of ``D`` as diagonals: Autograd's addition to NumPy.

    >>> make_diagonal(np.array([[1.0, 2.0]]))
    array([[[1., 0.],
            [0., 2.]]])
    """
    if (offset, axis1, axis2) != (0, -1, -2):
        raise ShapeError(
            f"make_diagonal: offset={offset}, axis1={axis1}, axis2={axis2}, but only 0, -1, -2 are made",
            remedy="Use diagflat for an offset, moveaxis for other axes.",
        )
    D = asarray(D)
    return expand_dims(D, -1) * np.eye(shape(D)[-1], dtype=D.dtype)


def broadcast_arrays(*arrays: Array) -> tuple[Any, ...]:
    """The arrays in their common shape.

    >>> [a.shape for a in broadcast_arrays(np.ones(3), np.ones((2, 1)))]
    [(2, 3), (2, 3)]
    """
    parts = [asarray(a) for a in arrays]
    common = np.broadcast_shapes(*[shape(a) for a in parts])
    return tuple(broadcast_to(a, common) for a in parts)


def meshgrid(*xi: Array, sparse: bool = False, indexing: str = "xy", copy: bool = True) -> tuple[Any, ...]:
    """The coordinates of a grid: each vector spread along its own axis.

    Parameters
    ----------
    sparse : keep the other axes at length 1
    indexing : "xy" exchanges the first two axes, "ij" does not
    copy : accepted for compatibility

    >>> meshgrid(np.array([1.0, 2.0]), np.array([3.0]))[0]
    array([[1., 2.]])
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing is {indexing!r}, not 'xy' or 'ij'")
    n = len(xi)
    grids = [reshape(asarray(x), (1,) * i + (-1,) + (1,) * (n - 1 - i)) for i, x in enumerate(xi)]
    if indexing == "xy" and n > 1:
        grids = [swapaxes(grid, 0, 1) for grid in grids]
    return tuple(grids) if sparse else broadcast_arrays(*grids)


def ix_(*args: Any) -> tuple[Any, ...]:
    """Vectors, or masks, each along an axis of its own: the index of a grid of entries.

    >>> np.arange(6).reshape(2, 3)[ix_([1], [0, 2])]
    array([[3, 5]])
    """
    n = len(args)
    vectors = [asarray(a) for a in args]
    vectors = [np.flatnonzero(v) if v.dtype == bool else v for v in vectors]
    return tuple(reshape(v, (1,) * i + (-1,) + (1,) * (n - 1 - i)) for i, v in enumerate(vectors))


def resize(x: Array, new_shape: int | Sequence[int]) -> Array:
    """As many entries of the flat ``x``, starting over at its end, as ``new_shape`` holds.

    >>> resize(np.array([1, 2, 3]), (2, 2))
    array([[1, 2],
           [3, 1]])
    """
    x = ravel(asarray(x))
    extents = integers(new_shape)
    n = int(np.prod(extents))
    return (
        reshape(take(x, np.arange(n) % np.maximum(1, shape(x)[0])), extents)
        if shape(x)[0]
        else np.zeros(extents, x.dtype)
    )


def diagflat(x: Array, k: int = 0) -> Array:
    """The square matrix with the flat ``x`` on its ``k``-th diagonal.

    >>> diagflat(np.array([[1, 2]]), k=1)
    array([[0, 1, 0],
           [0, 0, 2],
           [0, 0, 0]])
    """
    return diag(ravel(asarray(x)), k)


def trim_zeros(x: Array, trim: str = "fb") -> Array:
    """A vector without the zeros at its 'f'ront and its 'b'ack.

    >>> trim_zeros(np.array([0, 1, 0, 2, 0]), "f")
    array([1, 0, 2, 0])
    """
    x = asarray(x)
    filled = np.flatnonzero(x != 0)
    if not filled.size:
        return x[:0]
    first = filled[0] if "f" in trim.lower() else 0
    return x[first : filled[-1] + 1 if "b" in trim.lower() else shape(x)[0]]


def unstack(x: Array, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The layers of ``x`` along ``axis``."""
    front = moveaxis(x, axis, 0)
    return tuple(front[i] for i in range(shape(front)[0]))
