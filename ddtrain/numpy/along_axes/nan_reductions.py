"""Reductions and scans that leave out entries which are not a number: those of ``masked``, where it says a number."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.autodiff import nondifferentiable
from ddtrain.numpy.along_axes import masked_reductions as masked
from ddtrain.numpy.along_axes.reductions import Axis
from ddtrain.numpy.along_axes.scans import cumprod, cumsum
from ddtrain.numpy.elementwise.choices import where as choose
from ddtrain.numpy.elementwise.comparisons import isnan
from ddtrain.numpy.manipulation.joining import asarray

nanargmax = nondifferentiable(np.nanargmax)
nanargmin = nondifferentiable(np.nanargmin)


def _numbers(a: Any, where: Any) -> Any:
    return ~isnan(a) & masked.mask_for(a, where)


def _filled(a: Any, value: float) -> Any:
    a = asarray(a)
    return choose(isnan(a), value, a)


def nansum(a: Any, axis: Axis = None, *, keepdims: bool = False, initial: Any = 0, where: Any = True) -> Any:
    """The sum of the numbers.

    >>> nansum(np.array([1.0, np.nan]))
    np.float64(1.0)
    """
    a = asarray(a)
    return masked.sum(a, axis, keepdims=keepdims, initial=initial, where=_numbers(a, where))


def nanprod(a: Any, axis: Axis = None, *, keepdims: bool = False, initial: Any = 1, where: Any = True) -> Any:
    """The product of the numbers."""
    a = asarray(a)
    return masked.prod(a, axis, keepdims=keepdims, initial=initial, where=_numbers(a, where))


def nancumsum(a: Any, axis: int | None = None) -> Any:
    """Running sums, in which what is not a number counts as 0."""
    return cumsum(_filled(a, 0.0), axis)


def nancumprod(a: Any, axis: int | None = None) -> Any:
    """Running products, in which what is not a number counts as 1."""
    return cumprod(_filled(a, 1.0), axis)


def nanmean(a: Any, axis: Axis = None, *, keepdims: bool = False, where: Any = True) -> Any:
    """The mean of the numbers; NaN where there are none.

    >>> nanmean(np.array([1.0, np.nan, 3.0]))
    np.float64(2.0)
    """
    a = asarray(a)
    return masked.mean(a, axis, keepdims=keepdims, where=_numbers(a, where))


def nanvar(
    a: Any,
    axis: Axis = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """The variance of the numbers; NaN where there are not more than ``ddof``."""
    a = asarray(a)
    mask = _numbers(a, where)
    return masked.var(a, axis, ddof=ddof, keepdims=keepdims, where=mask, mean=mean, correction=correction)


def nanstd(
    a: Any,
    axis: Axis = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """The standard deviation of the numbers; its derivative where they are equal, which has none, is 0."""
    a = asarray(a)
    mask = _numbers(a, where)
    return masked.std(a, axis, ddof=ddof, keepdims=keepdims, where=mask, mean=mean, correction=correction)


def nanmax(a: Any, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True) -> Any:
    """The largest number; NaN where there are none. Ties share the derivative."""
    return _extreme(masked.max, a, axis, keepdims, initial, where, -np.inf)


def nanmin(a: Any, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True) -> Any:
    """The smallest number; NaN where there are none. Ties share the derivative."""
    return _extreme(masked.min, a, axis, keepdims, initial, where, np.inf)


def _extreme(extreme: Any, a: Any, axis: Axis, keepdims: bool, initial: Any, where: Any, beyond: float) -> Any:
    a = asarray(a)
    found = extreme(_filled(a, beyond), axis, keepdims=keepdims, initial=initial, where=where)
    if initial is not None:
        return found
    return choose(masked.counts(~isnan(a), axis, keepdims) > 0, found, np.nan)[()]
