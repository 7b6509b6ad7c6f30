"""New arrays in the shape of others, and NumPy's own names that need no rule: constructors, constants, dtypes."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy import (
    arange,
    bool_,
    broadcast_shapes,
    complex64,
    complex128,
    dtype,
    e,
    empty,
    errstate,
    euler_gamma,
    eye,
    finfo,
    float16,
    float32,
    float64,
    floating,
    identity,
    iinfo,
    indices,
    inf,
    int8,
    int16,
    int32,
    int64,
    integer,
    isscalar,
    loadtxt,
    nan,
    ndarray,
    newaxis,
    ones,
    pi,
    printoptions,
    promote_types,
    s_,
    set_printoptions,
    tri,
    tril_indices,
    triu_indices,
    uint8,
    unravel_index,
    zeros,
)
from numpy.typing import DTypeLike

from ddtrain.autodiff import Array, array_like, value_of
from ddtrain.autodiff.core.array_lists import holds_box
from ddtrain.numpy.elementwise.arithmetic import power
from ddtrain.numpy.elementwise.comparisons import floor
from ddtrain.numpy.elementwise.complex_numbers import sign
from ddtrain.numpy.elementwise.transcendental import log10
from ddtrain.numpy.manipulation.axes import expand_dims, moveaxis
from ddtrain.numpy.manipulation.joining import asarray, concatenate
from ddtrain.numpy.manipulation.shapes import broadcast_to, integers, ndim, reshape
from ddtrain.numpy.manipulation.shapes import shape as shape_of


def zeros_like(x: Array, dtype: DTypeLike | None = None) -> Array:
    """Zeros in the shape and dtype of ``x``, traced or not.

    >>> zeros_like(np.array([1, 2]))
    array([0, 0])
    """
    return np.zeros_like(array_like(x), dtype)


def ones_like(x: Array, dtype: DTypeLike | None = None) -> Array:
    """Ones in the shape and dtype of ``x``, traced or not.

    >>> ones_like(np.array([1.5, 2.5]))
    array([1., 1.])
    """
    return np.ones_like(array_like(x), dtype)


def empty_like(x: Array, dtype: DTypeLike | None = None) -> Array:
    """An array in the shape and dtype of ``x``, with arbitrary entries."""
    return np.empty_like(array_like(x), dtype)


def full(shape: Any, fill_value: Array, dtype: DTypeLike | None = None) -> Array:
    """``fill_value``, which may be traced, in every entry of an array of ``shape``.

    >>> full(2, 3.0)
    array([3., 3.])
    """
    if not holds_box(fill_value):
        return np.full(shape, fill_value, dtype)
    filled = broadcast_to(asarray(fill_value), integers(shape))
    return filled if dtype is None else filled.astype(dtype)


def full_like(x: Array, fill_value: Array, dtype: DTypeLike | None = None) -> Array:
    """``fill_value``, which may be traced, in the shape and dtype of ``x``.

    >>> from ddtrain import grad
    >>> grad(lambda c: full_like(np.zeros(3), c).sum())(2.0)
    array(3.)
    """
    like = np.asarray(array_like(x))
    return full(like.shape, fill_value, like.dtype if dtype is None else dtype)


def linspace(
    start: Array,
    stop: Array,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Array:
    """``num`` numbers at equal steps from ``start`` to ``stop``, which may be arrays and traced.

    Parameters
    ----------
    endpoint : whether ``stop`` is the last
    retstep : also return the step
    axis : of the result along which the numbers lie

    >>> linspace(0.0, 1.0, 3)
    array([0. , 0.5, 1. ])
    """
    if not holds_box((start, stop)):
        return np.linspace(start, stop, num, endpoint, retstep, dtype, axis)  # type: ignore[call-overload]
    start, stop = (asarray(end) if holds_box(end) else end for end in (start, stop))
    dt = np.linspace(array_like(start), array_like(stop), 0).dtype
    num, div = operator.index(num), operator.index(num) - bool(endpoint)
    first, last = asarray(start).astype(dt), asarray(stop).astype(dt)
    delta = last - first
    places = np.arange(num, dtype=dt).reshape((-1,) + (1,) * ndim(delta))
    step = delta / div if div > 0 else np.nan
    tiny = div > 0 and not np.all(value_of(step))  # the step underflows to 0 although its multiples may not
    numbers = first + (places / div * delta if tiny else places * (step if div > 0 else delta))
    if endpoint and num > 1:  # set the last number exactly, despite rounding
        numbers = concatenate([numbers[:-1], expand_dims(broadcast_to(last, shape_of(delta)), 0)])
    numbers = _as_dtype(moveaxis(numbers, 0, axis), dtype)
    return (numbers, step) if retstep else numbers


def _as_dtype(x: Any, dtype: DTypeLike | None) -> Any:
    """``x`` in ``dtype``, unless that is None: whole numbers are rounded down, as NumPy's spaces do."""
    return x if dtype is None else (floor(x) if np.dtype(dtype).kind in "iu" else x).astype(dtype)


def logspace(
    start: Array,
    stop: Array,
    num: int = 50,
    endpoint: bool = True,
    base: Array = 10.0,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Array:
    """``base`` to the powers :func:`linspace`; of several bases, one axis more.

    >>> logspace(0.0, 2.0, 3)
    array([  1.,  10., 100.])
    """
    if ndim(base):
        n = np.broadcast(*map(value_of, (start, stop, base))).ndim
        start, stop, base = (reshape(a, (1,) * (n - ndim(a)) + shape_of(a)) for a in (start, stop, base))
        base = expand_dims(base, axis)
    numbers = power(base, linspace(start, stop, num, endpoint, axis=axis))
    return numbers if dtype is None else numbers.astype(dtype)


def geomspace(
    start: Array, stop: Array, num: int = 50, endpoint: bool = True, dtype: DTypeLike | None = None, axis: int = 0
) -> Array:
    """``num`` numbers at equal ratios from ``start`` to ``stop``, along ``axis``; both may be negative, or complex.

    >>> geomspace(1.0, 4.0, 3)
    array([1., 2., 4.])
    """
    if not holds_box((start, stop)):
        return np.geomspace(start, stop, num, endpoint, dtype, axis)
    start, stop = (asarray(end) if holds_box(end) else end for end in (start, stop))
    dt = np.geomspace(array_like(start), array_like(stop), 0, dtype=dtype).dtype
    start, stop = asarray(start).astype(dt), asarray(stop).astype(dt)
    direction = sign(start)  # divide by the sign, so that the logarithms are of positive numbers
    start, stop = start / direction, stop / direction
    numbers = logspace(log10(start), log10(stop), num, endpoint)
    if num > 0:  # set both ends exactly, despite rounding
        start, stop = (expand_dims(broadcast_to(end, shape_of(numbers)[1:]), 0) for end in (start, stop))
        ends = num > 1 and endpoint
        numbers = concatenate([start, numbers[1:-1] if ends else numbers[1:], *([stop] if ends else [])])
    return moveaxis(numbers * direction, 0, axis)


__all__ = [
    "arange", "bool_", "broadcast_shapes", "complex64", "complex128", "dtype", "e", "empty", "empty_like", "errstate",
    "euler_gamma", "eye", "finfo", "float16", "float32", "float64", "floating", "full", "full_like", "geomspace",
    "identity", "iinfo", "indices", "inf", "int8", "int16", "int32", "int64", "integer", "isscalar", "linspace",
    "loadtxt", "logspace", "nan", "ndarray", "newaxis", "ones", "ones_like", "pi", "printoptions",
    "promote_types", "s_", "set_printoptions", "tri", "tril_indices", "triu_indices", "uint8", "unravel_index",
    "zeros", "zeros_like",
]  # fmt: skip
