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
    full,
    geomspace,
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
    ix_,
    linspace,
    loadtxt,
    logspace,
    meshgrid,
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

from ddtrain.autodiff import value_of


def zeros_like(x: Any, dtype: DTypeLike | None = None) -> Any:
    """Zeros in the shape and dtype of ``x``, traced or not."""
    return np.zeros_like(value_of(x), dtype)


def ones_like(x: Any, dtype: DTypeLike | None = None) -> Any:
    """Ones in the shape and dtype of ``x``, traced or not."""
    return np.ones_like(value_of(x), dtype)


def empty_like(x: Any, dtype: DTypeLike | None = None) -> Any:
    """An array in the shape and dtype of ``x``, with arbitrary entries."""
    return np.empty_like(value_of(x), dtype)


def full_like(x: Any, fill_value: float, dtype: DTypeLike | None = None) -> Any:
    """``fill_value`` in the shape and dtype of ``x``, traced or not."""
    return np.full_like(value_of(x), fill_value, dtype)


__all__ = [
    "arange", "bool_", "broadcast_shapes", "complex64", "complex128", "dtype", "e", "empty", "empty_like", "errstate",
    "euler_gamma", "eye", "finfo", "float16", "float32", "float64", "floating", "full", "full_like", "geomspace",
    "identity", "iinfo", "indices", "inf", "int8", "int16", "int32", "int64", "integer", "isscalar", "ix_", "linspace",
    "loadtxt", "logspace", "meshgrid", "nan", "ndarray", "newaxis", "ones", "ones_like", "pi", "printoptions",
    "promote_types", "s_", "set_printoptions", "tri", "tril_indices", "triu_indices", "uint8", "unravel_index",
    "zeros", "zeros_like",
]  # fmt: skip
