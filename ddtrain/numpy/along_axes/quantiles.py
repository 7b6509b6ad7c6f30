"""Quantiles, percentiles and medians, of all entries or of those that are numbers.

A quantile is a mean of two neighbours in sorted order. Which entries these are is constant almost everywhere, so it is
indexing; the derivative by the quantile's position is the difference of the two.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ddtrain.autodiff import BOXES, Array, def_elementwise, primitive, value_of
from ddtrain.autodiff.core.array_lists import gather, holds_box
from ddtrain.autodiff.core.examples import case
from ddtrain.numpy.along_axes.reductions import Axis
from ddtrain.numpy.along_axes.sorting import sort
from ddtrain.numpy.elementwise.choices import where
from ddtrain.numpy.elementwise.comparisons import isnan
from ddtrain.numpy.manipulation.axes import expand_dims, moveaxis
from ddtrain.numpy.manipulation.indexing import take_along_axis
from ddtrain.numpy.manipulation.joining import asarray
from ddtrain.numpy.manipulation.shapes import ndim, reshape, shape

__all__ = ["median", "nanmedian", "nanpercentile", "nanquantile", "percentile", "quantile"]


def _positions(q: Any, counts: Any, method: str) -> Any:
    """Where quantiles ``q`` lie in sorted order, for each number of entries: NumPy's quantiles of 0, 1, 2, ..."""
    positions = np.zeros(np.shape(q) + np.shape(counts))
    for count in np.unique(counts):
        if count:
            at = np.quantile(np.arange(float(count)), q, method=method)  # type: ignore[call-overload]
            positions[..., counts == count] = np.asarray(at)[..., None]
    return positions


# d position / d q is the number of entries plus this, where no end cuts the position off. The methods that are
# not here take one entry: their position is constant between jumps.
_SLOPES = {
    "linear": -1.0, "interpolated_inverted_cdf": 0.0, "hazen": 0.0, "weibull": 1.0, "median_unbiased": 1 / 3,
    "normal_unbiased": 1 / 4,
}  # fmt: skip


def _rates(rows: Any, at: Any, q: Any, counts: Any, method: str) -> Any:
    """d quantile / d q: the slope from one entry to the next; at an entry the mean of those on its two sides.

    Where a neighbour is infinite it is 0, and so it is beyond the first and last entry, where quantiles are constant.
    """
    if method not in _SLOPES:
        return np.zeros(at.shape, rows.dtype)
    last = np.maximum(counts - 1, 0)
    knots = at == np.floor(at)
    low = np.where(knots, np.maximum(at - 1, 0), np.floor(at)).astype(np.int64)
    high = np.minimum(np.floor(at).astype(np.int64) + 1, last)
    flat = (-1, *shape(rows)[1:])
    step = reshape(take_along_axis(rows, high.reshape(flat), 0), at.shape)
    step = step - reshape(take_along_axis(rows, low.reshape(flat), 0), at.shape)
    slope = counts + _SLOPES[method]
    if method != "linear":  # the linear method never cuts off a q in [0, 1]
        # measured from the middle, below which half of the entries lie
        middle = q.reshape(q.shape + (1,) * counts.ndim) - 0.5
        offset = -0.5 if method == "interpolated_inverted_cdf" else 0.0
        slope = np.where(np.abs(middle * slope + offset) <= last / 2 + 1e-12, slope, 0.0)
    rate = (slope / np.maximum(high - low, 1)).astype(value_of(rows).real.dtype)
    finite = np.isfinite(value_of(step))
    return where(finite, step, 0.0) * rate


_STEPS = {"closest_observation", "higher", "inverted_cdf", "lower", "nearest"}  # methods that return one of the entries


def _between(below: Any, above: Any, part: Any, method: str) -> Any:
    """``part`` of the way from one entry to the next, computed as NumPy does, so that infinities make the same NaN."""
    if method in _STEPS:
        return below
    if method == "median":
        return where(part == 0, below, (below + above) / 2)
    step = above - below
    return where(part >= 0.5, above - step * (1 - part), below + step * part)


def _moved(result: Any, q: Any, rates: Any, known: Any) -> Any:
    return np.where(q == known, result, result + (q - known) * rates)


# a quantile at q = known; rates are its derivatives by q, which may be infinite
moved_by = primitive(
    _moved,
    name="quantile",
    examples=lambda r: [case(r(2, 3), r(2, 1), r(2, 3), r(2, 1), argnums=(0, 1, 2))],
)
def_elementwise(
    moved_by,
    lambda g, ans, result, q, rates, known: g,
    lambda g, ans, result, q, rates, known: g * rates,
    lambda g, ans, result, q, rates, known: g * (q - known),
)


def _dtype(x: Any, q: Any, method: str) -> np.dtype[Any]:
    """That of NumPy's quantiles, which depends on how ``q`` is given, or of its medians."""
    if method == "median":
        return x.dtype if x.dtype.kind in "fc" else np.dtype(np.float64)
    numpys: Any = np.quantile
    return numpys(np.zeros(1, x.dtype), q, method=method).dtype  # type: ignore[no-any-return]


def _of_sorted(x: Any, q: Any, axis: Axis, method: str, keepdims: bool, skip_nan: bool) -> Any:
    x, q = asarray(x), gather(q) if holds_box(q) else q
    x, q = x.astype(_dtype(x, value_of(q), method)), asarray(q)
    known = np.asarray(value_of(q), np.float64)
    axes = tuple(range(ndim(x))) if axis is None else normalize_axis_tuple(axis, ndim(x))
    front = moveaxis(x, axes, range(len(axes)))
    n, rest = math.prod(shape(front)[: len(axes)]), shape(front)[len(axes) :]
    if not front.size:  # quantiles of no entries are NaN, and NumPy's nanquantile then drops the axis of q
        several = () if skip_nan else known.shape
        empty = np.full((*several, *rest), np.nan, x.dtype)
        return (expand_dims(empty, [a + len(several) for a in axes]) if keepdims and axes else empty)[()]
    rows = sort(reshape(front, (n, *rest)), 0)  # sort puts NaN last
    missing = isnan(rows)
    counts = np.asarray(n - np.sum(missing, 0) if skip_nan else np.full(missing.shape[1:], n))
    at = _positions(known, counts, "linear" if method == "median" else method)
    low = np.floor(at).astype(np.int64)
    part = (at - low).astype(value_of(x).dtype)
    flat = (-1, *shape(rows)[1:])
    below, above = (
        reshape(take_along_axis(rows, i.reshape(flat), 0), low.shape) for i in (low, np.minimum(low + 1, n - 1))
    )
    result = _between(below, above, part, method)
    if type(q) in BOXES:
        q = reshape(q, known.shape + (1,) * counts.ndim).astype(result.dtype)
        result = moved_by(result, q, _rates(rows, at, known, counts, method), value_of(q))
    undefined = counts == 0 if skip_nan else np.any(missing, 0)
    if np.any(undefined):
        result = where(undefined, np.nan, result)
    return (expand_dims(result, [a + known.ndim for a in axes]) if keepdims and axes else result)[()]


def quantile(x: Array, q: Array, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Array:
    """The ``q``-quantiles of the entries along ``axis``.

    Parameters
    ----------
    q : numbers in [0, 1]; their axes come first in the result
    method : how to interpolate between two entries, as NumPy's; of those that step from entry to entry the derivative
        by ``q`` is 0

    >>> quantile(np.array([1.0, 2.0, 4.0]), 0.75)
    np.float64(3.0)
    """
    return _of_sorted(x, q, axis, method, keepdims, skip_nan=False)


def percentile(x: Array, q: Array, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Array:
    """:func:`quantile` in hundredths.

    >>> float(percentile(np.array([0.0, 10.0, 20.0]), 75))
    15.0
    """
    return quantile(x, _hundredths(q), axis, method=method, keepdims=keepdims)


def median(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """The middle entry, or the mean of the middle two.

    >>> from ddtrain import grad
    >>> grad(median)(np.array([3.0, 1.0, 2.0, 9.0]))
    array([0.5, 0. , 0.5, 0. ])
    """
    return _of_sorted(x, 0.5, axis, "median", keepdims, skip_nan=False)


def nanquantile(x: Array, q: Array, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Array:
    """:func:`quantile` of the entries that are numbers.

    >>> float(nanquantile(np.array([0.0, np.nan, 10.0]), 0.5))
    5.0
    """
    return _of_sorted(x, q, axis, method, keepdims, skip_nan=True)


def nanpercentile(x: Array, q: Array, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Array:
    """:func:`nanquantile` in hundredths.

    >>> float(nanpercentile(np.array([0.0, np.nan, 10.0]), 50))
    5.0
    """
    return nanquantile(x, _hundredths(q), axis, method=method, keepdims=keepdims)


def nanmedian(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """:func:`median` of the entries that are numbers.

    >>> float(nanmedian(np.array([0.0, np.nan, 10.0])))
    5.0
    """
    return _of_sorted(x, 0.5, axis, "median", keepdims, skip_nan=True)


def _hundredths(q: Any) -> Any:
    return q / 100 if isinstance(q, int | float) else asarray(q) / 100
