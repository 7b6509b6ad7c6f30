"""Sorting: sort, partition, lexsort, unique.

Sorting permutes entries. Which entry comes where is constant almost everywhere, so all of it is indexing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.autodiff import Array, array_like, nondifferentiable, value_of
from ddtrain.autodiff.core.array_lists import holds_box
from ddtrain.numpy.elementwise.comparisons import argsort
from ddtrain.numpy.manipulation.axes import moveaxis
from ddtrain.numpy.manipulation.indexing import take_along_axis
from ddtrain.numpy.manipulation.joining import asarray
from ddtrain.numpy.manipulation.shapes import as_array, ravel

__all__ = ["argpartition", "lexsort", "partition", "sort", "sort_complex", "unique"]

argpartition = nondifferentiable(np.argpartition)


def _lexsort(axis: int, *keys: Any) -> Array:
    return np.lexsort(keys, axis)


order_by_keys = nondifferentiable(_lexsort, name="lexsort")


def lexsort(keys: Any, axis: int = -1) -> Array:
    """The order that sorts by the last of ``keys``, and equal ones by the key before it.

    >>> lexsort((np.array([2, 1, 1]), np.array([0, 1, 0])))
    array([2, 0, 1])
    """
    return order_by_keys(axis, *keys)


def sort(x: Array, axis: int | None = -1) -> Array:
    """``x`` in ascending order along ``axis``; equal entries keep their order.

    >>> from ddtrain import jacobian
    >>> jacobian(sort)(np.array([2.0, 1.0]))
    array([[0., 1.],
           [1., 0.]])
    """
    x = as_array(x)
    if axis is None:
        x, axis = ravel(x), -1
    return take_along_axis(x, argsort(x, axis=axis, kind="stable"), axis)


def partition(x: Array, kth: Any, axis: int | None = -1, kind: Any = "introselect") -> Array:
    """``x`` with its ``kth`` smallest entry along ``axis`` where sorting would put it, the smaller ones before it.

    >>> partition(np.array([3.0, 1.0, 2.0]), 1)[1]
    np.float64(2.0)
    """
    x = asarray(x)
    if axis is None:
        x, axis = ravel(x), -1
    return take_along_axis(x, argpartition(x, kth, axis, kind), axis)


def sort_complex(x: Array) -> Array:
    """The entries in ascending order along the last axis, as complex numbers."""
    x = sort(x)
    return x if array_like(x).dtype.kind == "c" else x.astype(np.complex128)


def unique(
    x: Array,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    **kwargs: Any,
) -> Array:
    """The distinct entries in ascending order; of several equal ones, the first receives the derivative.

    Parameters
    ----------
    return_index, return_inverse, return_counts, axis, kwargs : as NumPy's

    >>> unique(np.array([2.0, 1.0, 2.0]))
    array([1., 2.])
    """
    plain: Any = np.unique
    if not holds_box(x):
        return plain(x, return_index, return_inverse, return_counts, axis, **kwargs)
    x = asarray(x)
    _, index, inverse, counts = plain(value_of(x), True, True, True, axis, **kwargs)
    flat = ravel(x) if axis is None else moveaxis(x, axis, 0)
    values = flat[index] if axis is None else moveaxis(flat[index], 0, axis)
    wanted = ((return_index, index), (return_inverse, inverse), (return_counts, counts))
    extras = [array for asked, array in wanted if asked]
    return (values, *extras) if extras else values
