"""Reductions and scans that leave out NaN: the reductions are the masked ones, with a mask of the numbers."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any, TypeVar, cast

import numpy as np

from ddtrain.autodiff import Array, nondifferentiable
from ddtrain.numpy.along_axes import masked_reductions as masked
from ddtrain.numpy.along_axes.reductions import Axis
from ddtrain.numpy.along_axes.scans import cumprod, cumsum
from ddtrain.numpy.elementwise.choices import where as choose
from ddtrain.numpy.elementwise.comparisons import isnan
from ddtrain.numpy.manipulation.joining import asarray

__all__ = [
    "nanargmax", "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmin", "nanprod", "nanstd", "nansum",
    "nanvar",
]  # fmt: skip

Reduction = TypeVar("Reduction", bound=Callable[..., Any])

nanargmax = nondifferentiable(np.nanargmax)
nanargmin = nondifferentiable(np.nanargmin)


def _filled(a: Any, value: float) -> Any:
    a = asarray(a)
    return choose(isnan(a), value, a)


def _of_numbers(name: str, reduction: Reduction, doc: str) -> Reduction:
    """The masked ``reduction`` with its own parameters, over those of the entries that are numbers."""

    def call(a: Any, *args: Any, where: Any = True, **options: Any) -> Any:
        a = asarray(a)
        return reduction(a, *args, where=~isnan(a) & masked.mask_for(a, where), **options)

    shown: Any = call  # give it the reduction's name and signature, for help() and for calls with NumPy's keywords
    shown.__name__ = shown.__qualname__ = name
    shown.__doc__, shown.__signature__ = doc, signature(reduction)
    return cast(Reduction, shown)


nansum = _of_numbers(
    "nansum",
    masked.sum,
    """The sum of the numbers.

    >>> nansum(np.array([1.0, np.nan]))
    np.float64(1.0)
    """,
)
nanprod = _of_numbers("nanprod", masked.prod, "The product of the numbers.")
nanmean = _of_numbers(
    "nanmean",
    masked.mean,
    """The mean of the numbers; NaN where there are none.

    >>> nanmean(np.array([1.0, np.nan, 3.0]))
    np.float64(2.0)
    """,
)
nanvar = _of_numbers("nanvar", masked.var, "The variance of the numbers; NaN where there are not more than ``ddof``.")
nanstd = _of_numbers(
    "nanstd",
    masked.std,
    "The standard deviation of the numbers; its derivative where they are equal, which has none, is 0.",
)


def nancumsum(a: Array, axis: int | None = None) -> Array:
    """Running sums, in which what is not a number counts as 0."""
    return cumsum(_filled(a, 0.0), axis)


def nancumprod(a: Array, axis: int | None = None) -> Array:
    """Running products, in which what is not a number counts as 1."""
    return cumprod(_filled(a, 1.0), axis)


def nanmax(a: Array, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True) -> Array:
    """The largest number; NaN where there are none. Ties share the derivative."""
    return _extreme(masked.max, a, axis, keepdims, initial, where, -np.inf)


def nanmin(a: Array, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True) -> Array:
    """The smallest number; NaN where there are none. Ties share the derivative."""
    return _extreme(masked.min, a, axis, keepdims, initial, where, np.inf)


def _extreme(extreme: Any, a: Any, axis: Axis, keepdims: bool, initial: Any, where: Any, beyond: float) -> Any:
    a = asarray(a)
    found = extreme(_filled(a, beyond), axis, keepdims=keepdims, initial=initial, where=where)
    if initial is not None:
        return found
    return choose(masked.counts(~isnan(a), axis, keepdims) > 0, found, np.nan)[()]
