"""Reductions and scans that leave out entries which are not a number."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.autodiff import nondifferentiable
from ddtrain.numpy.arithmetic import sqrt
from ddtrain.numpy.choices import where
from ddtrain.numpy.comparisons import isnan
from ddtrain.numpy.complexes import conjugate, real
from ddtrain.numpy.joining import asarray
from ddtrain.numpy.reductions import Axis, max, min, sum
from ddtrain.numpy.scans import cumprod, cumsum, prod

nanargmax = nondifferentiable(np.nanargmax)
nanargmin = nondifferentiable(np.nanargmin)


def _filled(x: Any, value: float) -> Any:
    x = asarray(x)
    return where(isnan(x), value, x)


def _counts(x: Any, axis: Axis, keepdims: bool) -> Any:
    return np.sum(~isnan(x), axis, keepdims=keepdims)


def nansum(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The sum of the numbers.

    >>> nansum(np.array([1.0, np.nan]))
    np.float64(1.0)
    """
    return sum(_filled(x, 0.0), axis, keepdims=keepdims)


def nanprod(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The product of the numbers."""
    return prod(_filled(x, 1.0), axis, keepdims=keepdims)


def nancumsum(x: Any, axis: int | None = None) -> Any:
    """Running sums, in which what is not a number counts as 0."""
    return cumsum(_filled(x, 0.0), axis)


def nancumprod(x: Any, axis: int | None = None) -> Any:
    """Running products, in which what is not a number counts as 1."""
    return cumprod(_filled(x, 1.0), axis)


def _over(total: Any, count: Any) -> Any:
    """total / count, and NaN where nothing was counted."""
    return where(count > 0, total / np.maximum(count, 1).astype(total.real.dtype), np.nan)


def nanmean(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The mean of the numbers; NaN where there are none.

    >>> nanmean(np.array([1.0, np.nan, 3.0]))
    np.float64(2.0)
    """
    x = asarray(x)
    return _over(nansum(x, axis, keepdims=keepdims), _counts(x, axis, keepdims))[()]


def nanvar(x: Any, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    """The variance of the numbers; NaN where there are not more than ``ddof``."""
    x = asarray(x)
    away = where(isnan(x), 0.0, x - nanmean(x, axis, keepdims=True))
    return _over(sum(real(away * conjugate(away)), axis, keepdims=keepdims), _counts(x, axis, keepdims) - ddof)[()]


def nanstd(x: Any, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    """The standard deviation of the numbers; its derivative where they are equal, which has none, is 0."""
    v = nanvar(x, axis, ddof=ddof, keepdims=keepdims)
    return where(v == 0, 0.0, sqrt(where(v == 0, 1.0, v)))[()]


def nanmax(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The largest number; NaN where there are none. Ties share the derivative."""
    return _extreme(max, x, axis, keepdims, -np.inf)


def nanmin(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The smallest number; NaN where there are none. Ties share the derivative."""
    return _extreme(min, x, axis, keepdims, np.inf)


def _extreme(extreme: Any, x: Any, axis: Axis, keepdims: bool, beyond: float) -> Any:
    x = asarray(x)
    found = extreme(_filled(x, beyond), axis, keepdims=keepdims)
    return where(_counts(x, axis, keepdims) > 0, found, np.nan)[()]
