"""Functions of sorted entries: sort, partition, quantiles, unique.

Sorting permutes entries; a quantile is a mean of two neighbours in sorted order. Which entries these are is constant
almost everywhere, so all of it is indexing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ddtrain.autodiff import BOXES, nondifferentiable, value_of
from ddtrain.errors import DerivativeError
from ddtrain.numpy.choices import where
from ddtrain.numpy.comparisons import argsort, isnan
from ddtrain.numpy.indexing import sort, take_along_axis
from ddtrain.numpy.joining import asarray
from ddtrain.numpy.reductions import Axis
from ddtrain.numpy.shapes import expand_dims, moveaxis, ndim, ravel, reshape, shape

argpartition = nondifferentiable(np.argpartition)


def _lexsort(axis: int, *keys: Any) -> Any:
    return np.lexsort(keys, axis)


order_by_keys = nondifferentiable(_lexsort, name="lexsort")


def lexsort(keys: Any, axis: int = -1) -> Any:
    """The order that sorts by the last of ``keys``, and equal ones by the key before it."""
    return order_by_keys(axis, *keys)


__all__ = ["argpartition", "argsort", "sort"]


def partition(x: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect") -> Any:
    """``x`` with its ``kth`` smallest entry along ``axis`` where sorting would put it, the smaller ones before it.

    >>> partition(np.array([3.0, 1.0, 2.0]), 1)[1]
    np.float64(2.0)
    """
    x = asarray(x)
    if axis is None:
        x, axis = ravel(x), -1
    return take_along_axis(x, argpartition(x, kth, axis, kind), axis)


def _positions(q: Any, counts: Any, method: str) -> Any:
    """Where quantiles ``q`` lie in sorted order, for each number of entries: NumPy's quantiles of 0, 1, 2, ..."""
    positions = np.zeros(np.shape(q) + np.shape(counts))
    for count in np.unique(counts):
        if count:
            at = np.quantile(np.arange(float(count)), q, method=method)  # type: ignore[call-overload]
            positions[..., counts == count] = np.asarray(at)[..., None]
    return positions


def _of_sorted(x: Any, q: Any, axis: Axis, method: str, keepdims: bool, skip_nan: bool) -> Any:
    x = asarray(x)
    if type(q) in BOXES:
        raise DerivativeError("quantile: q is traced, and has no derivative rule", remedy="Pass value_of(q).")
    if value_of(x).dtype.kind not in "fc":
        x = x.astype(np.float64)
    axes = tuple(range(ndim(x))) if axis is None else normalize_axis_tuple(axis, ndim(x))
    front = moveaxis(x, axes, range(len(axes)))
    rows = sort(reshape(front, (-1, *shape(front)[len(axes) :])), 0)  # NaN last
    n, missing = shape(rows)[0], isnan(rows)
    counts = np.asarray(n - np.sum(missing, 0) if skip_nan else np.full(missing.shape[1:], n))
    at = _positions(np.asarray(q, np.float64), counts, method)
    low = np.floor(at).astype(np.int64)
    part = (at - low).astype(value_of(x).dtype)
    flat = (-1, *shape(rows)[1:])
    below, above = (
        reshape(take_along_axis(rows, i.reshape(flat), 0), low.shape) for i in (low, np.minimum(low + 1, n - 1))
    )
    result = where(part == 0, below, below * (1 - part) + above * part)
    undefined = counts == 0 if skip_nan else np.any(missing, 0)
    if np.any(undefined):
        result = where(undefined, np.nan, result)
    return (expand_dims(result, [a + np.ndim(q) for a in axes]) if keepdims and axes else result)[()]


def quantile(x: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    """The ``q``-quantiles of the entries along ``axis``.

    Parameters
    ----------
    q : numbers in [0, 1], not traced; their axes come first in the result
    method : how to interpolate between two entries, as NumPy's

    >>> quantile(np.array([1.0, 2.0, 4.0]), 0.75)
    np.float64(3.0)
    """
    return _of_sorted(x, q, axis, method, keepdims, skip_nan=False)


def percentile(x: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    """:func:`quantile` in hundredths."""
    return quantile(x, _hundredths(q), axis, method=method, keepdims=keepdims)


def median(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The middle entry, or the mean of the middle two."""
    return quantile(x, 0.5, axis, keepdims=keepdims)


def nanquantile(x: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    """:func:`quantile` of the entries that are numbers."""
    return _of_sorted(x, q, axis, method, keepdims, skip_nan=True)


def nanpercentile(x: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    """:func:`nanquantile` in hundredths."""
    return nanquantile(x, _hundredths(q), axis, method=method, keepdims=keepdims)


def nanmedian(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """:func:`median` of the entries that are numbers."""
    return nanquantile(x, 0.5, axis, keepdims=keepdims)


def _hundredths(q: Any) -> Any:
    return q if type(q) in BOXES else np.true_divide(q, 100)


def sort_complex(x: Any) -> Any:
    """The entries in ascending order along the last axis, as complex numbers."""
    x = sort(x)
    return x if value_of(x).dtype.kind == "c" else x.astype(np.complex128)


def unique(
    x: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    **kwargs: Any,
) -> Any:
    """The distinct entries in ascending order; of several equal ones, the first receives the derivative.

    Parameters
    ----------
    return_index, return_inverse, return_counts, axis, kwargs : as NumPy's

    >>> unique(np.array([2.0, 1.0, 2.0]))
    array([1., 2.])
    """
    plain: Any = np.unique
    if type(x) not in BOXES:
        return plain(x, return_index, return_inverse, return_counts, axis, **kwargs)
    _, index, inverse, counts = plain(value_of(x), True, True, True, axis, **kwargs)
    flat = ravel(x) if axis is None else moveaxis(x, axis, 0)
    values = flat[index] if axis is None else moveaxis(flat[index], 0, axis)
    wanted = ((return_index, index), (return_inverse, inverse), (return_counts, counts))
    extras = [array for asked, array in wanted if asked]
    return (values, *extras) if extras else values
