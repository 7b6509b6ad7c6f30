"""Axes exchanged, moved, added, dropped and repeated: compositions of ``shapes``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ddtrain.autodiff import Array
from ddtrain.numpy.manipulation.shapes import (
    Axes,
    as_array,
    broadcast_to,
    integers,
    ndim,
    ravel,
    reshape,
    shape,
    transpose,
)

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "expand_dims", "matrix_transpose", "moveaxis", "repeat", "squeeze",
    "swapaxes", "tile",
]  # fmt: skip


def swapaxes(x: Array, axis1: int, axis2: int) -> Array:
    """``x`` with two axes exchanged.

    >>> swapaxes(np.ones((2, 3, 4)), 0, 2).shape
    (4, 3, 2)
    """
    axes = list(range(ndim(x)))
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return transpose(x, axes)


def matrix_transpose(x: Array) -> Array:
    """``x`` with its last two axes exchanged.

    >>> matrix_transpose(np.ones((2, 3, 4))).shape
    (2, 4, 3)
    """
    return transpose(x) if ndim(x) == 2 else swapaxes(x, -1, -2)


def moveaxis(x: Array, source: int | Sequence[int], destination: int | Sequence[int]) -> Array:
    """``x`` with the axes ``source`` at the places ``destination`` and the others in their order.

    >>> moveaxis(np.ones((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    n = ndim(x)
    sources, places = normalize_axis_tuple(source, n), normalize_axis_tuple(destination, n)
    order = [i for i in range(n) if i not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return transpose(x, order)


def expand_dims(x: Array, axis: int | Sequence[int]) -> Array:
    """``x`` with axes of length 1 at the given places of the result."""
    axes = integers(axis)
    n = ndim(x) + len(axes)
    new, old = normalize_axis_tuple(axes, n), iter(shape(x))
    return reshape(x, tuple(1 if i in new else next(old) for i in range(n)))


def squeeze(x: Array, axis: Axes = None) -> Array:
    """``x`` without its axes of length 1, or without those in ``axis``."""
    # lets NumPy check that the squeezed axes have length 1
    return reshape(x, np.squeeze(np.broadcast_to(0, shape(x)), axis).shape)


def repeat(x: Array, repeats: Any, axis: int | None = None) -> Array:
    """Each entry along ``axis`` (of the flat array, for None) repeated: ``repeats`` is one count, or one for each."""
    x = as_array(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis, extents = normalize_axis_index(axis, ndim(x)), shape(x)
    if np.ndim(repeats) or extents[axis] == 0:
        return x[(slice(None),) * axis + (np.repeat(np.arange(extents[axis]), repeats),)]
    wide = broadcast_to(expand_dims(x, axis + 1), (*extents[: axis + 1], int(repeats), *extents[axis + 1 :]))
    return reshape(wide, (*extents[:axis], extents[axis] * int(repeats), *extents[axis + 1 :]))


def tile(x: Array, reps: int | Sequence[int]) -> Array:
    """Copies of ``x`` laid side by side, ``reps`` of them along each axis."""
    counts = integers(reps)
    n = max(ndim(x), len(counts))
    extents, counts = (1,) * (n - ndim(x)) + shape(x), (1,) * (n - len(counts)) + counts
    column = reshape(x, tuple(k for extent in extents for k in (1, extent)))
    wide = broadcast_to(column, tuple(k for pair in zip(counts, extents, strict=True) for k in pair))
    return reshape(wide, tuple(c * e for c, e in zip(counts, extents, strict=True)))


def atleast_1d(*arrays: Array) -> Array:
    """Each array with at least one axis."""
    return _each(arrays, lambda x: x if ndim(x) else reshape(x, (1,)))


def atleast_2d(*arrays: Array) -> Array:
    """Each array with at least two axes; new ones come first."""
    return _each(arrays, lambda x: x if ndim(x) > 1 else reshape(x, (1, -1)))


def atleast_3d(*arrays: Array) -> Array:
    """Each array with at least three axes: of a vector the middle one, of a matrix the first two."""
    return _each(arrays, _with_three)


def _with_three(x: Any) -> Any:
    if ndim(x) < 2:
        return reshape(x, (1, -1, 1))
    return expand_dims(x, 2) if ndim(x) == 2 else x


def _each(arrays: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    results = tuple(change(as_array(a)) for a in arrays)
    return results[0] if len(results) == 1 else results
