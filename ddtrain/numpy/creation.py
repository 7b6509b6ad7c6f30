"""New arrays in the shape of others, and NumPy's own names that need no rule: constructors, constants, dtypes."""

from __future__ import annotations

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

from ddtrain.autodiff import BOXES, value_of
from ddtrain.numpy.arithmetic import power
from ddtrain.numpy.elementwise import log10
from ddtrain.numpy.joining import asarray
from ddtrain.numpy.shapes import broadcast_to, moveaxis, ndim


def zeros_like(x: Any, dtype: DTypeLike | None = None) -> Any:
    """Zeros in the shape and dtype of ``x``, traced or not."""
    return np.zeros_like(value_of(x), dtype)


def ones_like(x: Any, dtype: DTypeLike | None = None) -> Any:
    """Ones in the shape and dtype of ``x``, traced or not."""
    return np.ones_like(value_of(x), dtype)


def empty_like(x: Any, dtype: DTypeLike | None = None) -> Any:
    """An array in the shape and dtype of ``x``, with arbitrary entries."""
    return np.empty_like(value_of(x), dtype)


def full(shape: Any, fill_value: Any, dtype: DTypeLike | None = None) -> Any:
    """``fill_value``, which may be traced, in every entry of an array of ``shape``.

    >>> full(2, 3.0)
    array([3., 3.])
    """
    if type(fill_value) not in BOXES:
        return np.full(shape, fill_value, dtype)
    filled = broadcast_to(fill_value, (shape,) if isinstance(shape, int) else tuple(shape))
    return filled if dtype is None else filled.astype(dtype)


def full_like(x: Any, fill_value: Any, dtype: DTypeLike | None = None) -> Any:
    """``fill_value``, which may be traced, in the shape and dtype of ``x``."""
    like = np.asarray(value_of(x))
    return full(like.shape, fill_value, like.dtype if dtype is None else dtype)


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Any:
    """``num`` numbers at equal steps from ``start`` to ``stop``, which may be arrays and traced.

    Parameters
    ----------
    endpoint : whether ``stop`` is the last
    retstep : also return the step
    axis : of the result along which the numbers lie

    >>> linspace(0.0, 1.0, 3)
    array([0. , 0.5, 1. ])
    """
    if type(start) not in BOXES and type(stop) not in BOXES:
        return np.linspace(start, stop, num, endpoint, retstep, dtype, axis)  # type: ignore[call-overload]
    steps = max(1, num - 1 if endpoint else num)
    start, stop = asarray(start), asarray(stop)
    n = max(ndim(start), ndim(stop))
    dtype_of_numbers = np.result_type(value_of(start), value_of(stop), 0.0)
    part = (np.arange(num) / steps).astype(dtype_of_numbers).reshape((-1,) + (1,) * n)
    numbers = moveaxis(start * (1 - part) + stop * part, 0, axis)
    numbers = numbers if dtype is None else numbers.astype(dtype)
    return (numbers, (stop - start) / steps) if retstep else numbers


def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Any:
    """``base`` to the powers :func:`linspace`."""
    numbers = moveaxis(power(base, linspace(start, stop, num, endpoint)), 0, axis)
    return numbers if dtype is None else numbers.astype(dtype)


def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: DTypeLike | None = None, axis: int = 0
) -> Any:
    """``num`` numbers at equal ratios from ``start`` to ``stop``, along ``axis``.

    >>> geomspace(1.0, 4.0, 3)
    array([1., 2., 4.])
    """
    if type(start) not in BOXES and type(stop) not in BOXES:
        return np.geomspace(start, stop, num, endpoint, dtype, axis)
    return logspace(log10(start), log10(stop), num, endpoint, dtype=dtype, axis=axis)


__all__ = [
    "arange", "bool_", "broadcast_shapes", "complex64", "complex128", "dtype", "e", "empty", "empty_like", "errstate",
    "euler_gamma", "eye", "finfo", "float16", "float32", "float64", "floating", "full", "full_like", "geomspace",
    "identity", "iinfo", "indices", "inf", "int8", "int16", "int32", "int64", "integer", "isscalar", "linspace",
    "loadtxt", "logspace", "nan", "ndarray", "newaxis", "ones", "ones_like", "pi", "printoptions",
    "promote_types", "s_", "set_printoptions", "tri", "tril_indices", "triu_indices", "uint8", "unravel_index",
    "zeros", "zeros_like",
]  # fmt: skip
