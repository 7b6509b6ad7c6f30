"""Convolution and correlation of vectors. The full convolution has rules; all else is a part of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.autodiff import Array, def_linear, defvjp, primitive
from ddtrain.autodiff.core.examples import case
from ddtrain.numpy.elementwise.complex_numbers import conjugate
from ddtrain.numpy.manipulation.axes import atleast_1d
from ddtrain.numpy.manipulation.joining import asarray
from ddtrain.numpy.manipulation.shapes import flip, integers, is_integer, shape

__all__ = ["convolve", "correlate"]


def _convolve(x: Array, y: Array) -> Array:
    return np.convolve(x, y)


def _overlap(g: Any, other: Any) -> Any:
    """sum_k g[i + k] other[k], for each i at which all of ``other`` fits."""
    whole = full_convolution(g, flip(other))
    return whole[shape(other)[0] - 1 : shape(g)[0]]


full_convolution = primitive(
    _convolve, name="convolve", examples=lambda r: [case(r(5), r(3)), case(r(2), r(4)), case(r(1), r(1))]
)
defvjp(full_convolution, lambda g, ans, x, y: _overlap(g, y), lambda g, ans, x, y: _overlap(g, x))
def_linear(full_convolution, 0, 1)

_MODES = {0: "valid", 1: "same", 2: "full"}  # NumPy takes numbers, too


def _part(whole: Any, longer: int, shorter: int, mode: str | int) -> Any:
    """What NumPy's ``mode`` keeps of the full convolution of two lengths."""
    mode = _MODES.get(integers(mode)[0], mode) if is_integer(mode) else mode
    if mode == "full":
        return whole
    if mode == "same":
        start = shorter - 1 - shorter // 2
        return whole[start : start + longer]
    if mode == "valid":
        return whole[shorter - 1 : longer]
    raise ValueError(f"mode is {mode!r}, not 'full', 'same' or 'valid'")


def convolve(x: Array, y: Array, mode: str | int = "full") -> Array:
    """sum_k x[i - k] y[k], for every i ("full"), as many as the longer one has ("same"), or without edges ("valid").

    >>> convolve(np.array([1.0, 2.0, 3.0]), np.array([1.0, -1.0]), "valid")
    array([1., 1.])
    """
    x, y = atleast_1d(asarray(x)), atleast_1d(asarray(y))
    shorter, longer = sorted((shape(x)[0], shape(y)[0]))
    return _part(full_convolution(x, y), longer, shorter, mode)


def correlate(x: Array, y: Array, mode: str | int = "valid") -> Array:
    """sum_k x[i + k] conj(y[k]), in the ``mode`` of :func:`convolve`.

    >>> correlate(np.array([1.0, 2.0, 3.0]), np.array([1.0, -1.0]))
    array([-1., -1.])
    """
    x, y = atleast_1d(asarray(x)), atleast_1d(asarray(y))
    n, m = shape(x)[0], shape(y)[0]
    if m > n:  # NumPy exchanges the two arrays and reverses the result
        return flip(_part(full_convolution(conjugate(y), flip(x)), m, n, mode))
    return _part(full_convolution(x, flip(conjugate(y))), n, m, mode)
