"""Reductions of the entries at which a mask holds, and with a first value: ``where=`` and ``initial=`` of NumPy's.

Parameters have NumPy's names. A traced call of NumPy's function with these keywords arrives here (``MEANINGS`` in
``dispatch/counterparts.py``), and the reductions that leave out NaN are these with a mask.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.autodiff import Array, value_of
from ddtrain.numpy.along_axes.reductions import Axis
from ddtrain.numpy.along_axes.reductions import max as largest
from ddtrain.numpy.along_axes.reductions import min as smallest
from ddtrain.numpy.along_axes.reductions import sum as total
from ddtrain.numpy.along_axes.scans import prod as product
from ddtrain.numpy.elementwise.arithmetic import root
from ddtrain.numpy.elementwise.choices import maximum as larger
from ddtrain.numpy.elementwise.choices import minimum as smaller
from ddtrain.numpy.elementwise.choices import where as choose
from ddtrain.numpy.elementwise.complex_numbers import conjugate, real
from ddtrain.numpy.manipulation.joining import asarray
from ddtrain.numpy.manipulation.shapes import broadcast_to, shape


def mask_for(a: Any, where: Any) -> Any:
    """``where`` in the shape of ``a``: an array of bool, nothing else, as for NumPy."""
    return np.broadcast_to(np.asarray(value_of(where)).astype(bool, casting="safe"), shape(a))


def counts(mask: Any, axis: Axis, keepdims: bool) -> Any:
    """How many entries the mask leaves to each result."""
    return np.sum(mask, axis, keepdims=keepdims)


def divide_by_count(sums: Any, count: Any) -> Any:
    """sums / count, and NaN where nothing was counted."""
    return choose(count > 0, sums / np.maximum(count, 1).astype(sums.real.dtype), np.nan)


def sum(a: Array, axis: Axis = None, *, keepdims: bool = False, initial: Any = 0, where: Any = True) -> Array:
    """``initial`` and the sum of the entries at which ``where`` holds.

    >>> sum(np.array([1.0, 2.0, 4.0]), where=np.array([True, False, True]), initial=10.0)
    np.float64(15.0)
    """
    a = asarray(a)
    return total(choose(mask_for(a, where), a, 0), axis, keepdims=keepdims) + initial


def prod(a: Array, axis: Axis = None, *, keepdims: bool = False, initial: Any = 1, where: Any = True) -> Array:
    """``initial`` times the product of the entries at which ``where`` holds."""
    a = asarray(a)
    return product(choose(mask_for(a, where), a, 1), axis, keepdims=keepdims) * initial


def max(a: Array, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True) -> Array:
    """The largest of ``initial`` and the entries at which ``where`` holds; at a tie with it, half a derivative each."""
    return _extreme("max", largest, larger, -np.inf, a, axis, keepdims, initial, where)


def min(a: Array, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True) -> Array:
    """The smallest of ``initial`` and the entries at which ``where`` holds."""
    return _extreme("min", smallest, smaller, np.inf, a, axis, keepdims, initial, where)


def _extreme(
    name: str, found: Any, better: Any, worst: float, a: Array, axis: Axis, keepdims: bool, initial: Any, where: Any
) -> Array:
    a = asarray(a)
    mask = mask_for(a, where)
    if initial is None:
        if not mask.all():
            raise ValueError(f"{name}: with where=, initial= says what the largest or smallest of no entries is")
        return found(a, axis, keepdims=keepdims)
    if not a.size:  # no entries: the result is initial, in the result's shape
        return broadcast_to(asarray(initial, a.dtype), shape(counts(mask, axis, keepdims)))
    return better(found(choose(mask, a, worst), axis, keepdims=keepdims), initial)


def mean(a: Array, axis: Axis = None, *, keepdims: bool = False, where: Any = True) -> Array:
    """The mean of the entries at which ``where`` holds; NaN where there are none.

    >>> mean(np.array([1.0, 9.0, 3.0]), where=np.array([True, False, True]))
    np.float64(2.0)
    """
    a = asarray(a)
    mask = mask_for(a, where)
    return divide_by_count(sum(a, axis, keepdims=keepdims, where=mask), counts(mask, axis, keepdims))[()]


_mean = mean  # kept under another name: the next two functions have a parameter called mean


def var(
    a: Array,
    axis: Axis = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Array:
    """The variance of the entries at which ``where`` holds, around ``mean`` if it is given, with kept axes."""
    a = asarray(a)
    mask = mask_for(a, where)
    less = ddof if correction is None else correction
    away = choose(mask, a - (_mean(a, axis, keepdims=True, where=mask) if mean is None else mean), 0)
    return divide_by_count(
        total(real(away * conjugate(away)), axis, keepdims=keepdims), counts(mask, axis, keepdims) - less
    )[()]


def std(
    a: Array,
    axis: Axis = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Array:
    """The root of :func:`var`; its derivative where the entries are equal, which has none, is 0."""
    a = asarray(a)
    mask = mask_for(a, where)
    variance = var(a, axis, ddof=ddof, keepdims=keepdims, where=mask, mean=mean, correction=correction)
    several = counts(mask, axis, keepdims) > 1
    if mean is not None or np.all(several):
        return root(variance)[()]
    alone = np.sqrt(value_of(variance))  # the deviation of a single entry is constant, so its derivative is 0
    return choose(several, root(choose(several, variance, 1)), alone)[()]
