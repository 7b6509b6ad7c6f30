"""Choosing entries by conditions or by position: select, piecewise, choose, compress, delete, insert."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ddtrain.autodiff import Array, value_of
from ddtrain.numpy.elementwise.casts import fitting
from ddtrain.numpy.elementwise.choices import where
from ddtrain.numpy.elementwise.comparisons import logical_not
from ddtrain.numpy.manipulation.axes import atleast_1d, moveaxis
from ddtrain.numpy.manipulation.indexing import place, take, take_along_axis
from ddtrain.numpy.manipulation.joining import asarray, concatenate, stack
from ddtrain.numpy.manipulation.shapes import broadcast_to, ndim, ravel, reshape, shape

__all__ = ["choose", "compress", "delete", "extract", "insert", "piecewise", "select"]


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Array:
    """Each entry from the first choice whose condition holds there, or the default.

    >>> x = np.array([-1.0, 0.5, 2.0])
    >>> select([x < 0, x < 1], [0.0 * x, x], 1.0)
    array([-0. ,  0.5,  1. ])
    """
    if len(condlist) != len(choicelist) or not condlist:
        raise ValueError(f"select: {len(condlist)} conditions and {len(choicelist)} choices; give one for each")
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = where(condition, choice, result)
    return result


def piecewise(x: Array, condlist: Any, funclist: Sequence[Any], *args: Any, **kwargs: Any) -> Array:
    """Each function at the entries of ``x`` where its condition holds, the last condition first.

    Parameters
    ----------
    condlist : boolean arrays in the shape of ``x``
    funclist : functions or numbers, one for each condition; one more is used where none holds, else 0
    args, kwargs : passed to the functions

    >>> piecewise(np.array([-1.0, 2.0]), [np.array([True, False])], [lambda t: -t, lambda t: 2 * t])
    array([1., 4.])
    """
    x = asarray(x)
    if np.ndim(condlist) == 0 or (np.ndim(condlist[0]) == 0 and ndim(x)):
        condlist = [condlist]  # a single condition instead of a list of them
    conditions = [np.asarray(value_of(c), bool) for c in condlist]
    functions = list(funclist)
    if len(functions) == len(conditions) + 1:
        conditions.append(logical_not(np.any(conditions, 0)))
    if len(functions) != len(conditions):
        raise ValueError(f"piecewise: {len(functions)} functions for {len(conditions)} conditions")
    result = np.zeros(shape(x), x.dtype)
    taken = np.zeros(shape(x), bool)
    for condition, function in zip(reversed(conditions), reversed(functions), strict=True):
        mask = condition & ~taken
        taken |= mask
        if mask.any():
            chosen = x[mask]
            piece = function(chosen, *args, **kwargs) if callable(function) else function
            result = result + place(broadcast_to(asarray(piece), shape(chosen)), mask, shape(x))
    return asarray(result)


def choose(a: Array, choices: Any, *, mode: str = "raise") -> Array:
    """Each entry from ``choices[k]``, where ``k`` is the entry of the whole numbers ``a`` there.

    Parameters
    ----------
    mode : what becomes of a number with no choice: "raise" an error, "wrap" around, or "clip"

    >>> choose(np.array([1, 0]), [np.array([1.0, 2.0]), 8.0])
    array([8., 2.])
    """
    index, n = np.asarray(value_of(a)), len(choices)
    if mode == "raise" and np.any((index < 0) | (index >= n)):
        raise ValueError(f"choose: entries of {index} do not name one of {n} choices")
    index = index % n if mode == "wrap" else np.clip(index, 0, n - 1)
    common = np.broadcast_shapes(index.shape, *[shape(c) for c in choices])
    whole = stack([broadcast_to(asarray(c), common) for c in choices])
    return take_along_axis(whole, np.broadcast_to(index, common)[None], 0)[0]


def compress(condition: Array, x: Array, axis: int | None = None) -> Array:
    """The layers of ``x`` along ``axis`` (entries of the flat array, for None) at which ``condition`` holds."""
    return take(asarray(x), np.flatnonzero(value_of(condition)), axis)


def extract(condition: Array, x: Array) -> Array:
    """The entries of the flat ``x`` at which the flat ``condition`` holds.

    >>> extract(np.array([True, False]), np.array([3.0, 4.0]))
    array([3.])
    """
    return compress(np.ravel(value_of(condition)), x)


def delete(x: Array, obj: Any, axis: int | None = None) -> Array:
    """``x`` without the layers ``obj`` (an index, a slice, a list or a mask) along ``axis``; flat, for None."""
    x = asarray(x)
    if axis is None:
        x, axis = ravel(x), 0
    return take(x, np.delete(np.arange(shape(x)[axis]), obj), axis)


def insert(x: Array, obj: Any, values: Array, axis: int | None = None) -> Array:
    """``x`` with ``values`` put in before the positions ``obj`` along ``axis``; flat, for None.

    Fractions put in among whole numbers make an array of fractions, where NumPy would round them.

    >>> insert(np.array([1.0, 2.0]), 1, 5.0)
    array([1., 5., 2.])
    """
    x, values = asarray(x), asarray(values)
    values = fitting(values, x)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis_index(axis, ndim(x))
    n, places = shape(x)[axis], np.arange(shape(x)[axis])
    positions = np.arange(n)[obj] if isinstance(obj, slice) else np.asarray(obj)
    if positions.dtype == bool:
        positions = np.flatnonzero(positions)
    if positions.ndim == 0 and ndim(values) <= ndim(x):
        values = reshape(values, (1,) * (ndim(x) - ndim(values)) + shape(values))
        values = moveaxis(values, 0, axis)
        count = shape(values)[axis]
    else:
        count = positions.size if positions.size != 1 or ndim(values) == 0 else max(1, shape(atleast_1d(values))[-1])
    extent = tuple(count if i == axis else m for i, m in enumerate(shape(x)))
    order = np.insert(places, positions if positions.ndim else int(positions), n + np.arange(count))
    return take(concatenate([x, broadcast_to(values, extent)], axis), order, axis)
