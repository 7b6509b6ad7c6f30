"""What twins ask of their arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.workspace import scratch

Array = NDArray[Any]
DOUBLE = np.dtype(np.float64)


def contiguous(*arrays: Array) -> bool:
    """Whether all lie in memory as C has them, row after row, and are plain arrays.

    >>> contiguous(np.ones((2, 3))), contiguous(np.ones((2, 3)).T)
    (True, False)
    """
    for a in arrays:  # noqa: SIM110 -- a generator would double what the call of a small kernel costs
        if type(a) is not np.ndarray or not a.flags.c_contiguous:
            return False
    return True


def plain(dtype: np.dtype[Any], *arrays: Array) -> bool:
    """Whether all are of a dtype, and :func:`contiguous`.

    >>> plain(np.dtype("d"), np.ones(2), np.ones(3, "f"))
    False
    """
    for a in arrays:  # noqa: SIM110
        if a.dtype != dtype or type(a) is not np.ndarray or not a.flags.c_contiguous:
            return False
    return True


def result(shape: tuple[int, ...], dtype: np.dtype[Any], out: Array | None) -> Array:
    """``out`` where it is given, else a new array.

    >>> result((2,), np.dtype("f"), None).shape
    (2,)
    """
    return np.empty(shape, dtype) if out is None else out


def columns(values: int, channels: int) -> Array:
    """Work space for some values in each column of a wide row (``sources/columns.h``), with vectors of any width.

    >>> columns(2, 16).shape
    (768,)
    """
    # 16 lanes in the widest vector: a row has at least 8 of them, and less than 16 * channels more
    return scratch("native.columns", (values * 16 * (channels + 8),), DOUBLE)


def rows_apart(x: Array) -> int:
    """How many entries lie between the beginnings of two rows, all leading axes of ``x`` together; 0 if it varies.

    >>> x = np.zeros((2, 3, 8))
    >>> rows_apart(x), rows_apart(x[..., :5]), rows_apart(x[:, :2]), rows_apart(x.T)
    (8, 8, 0, 0)
    """
    if type(x) is not np.ndarray or x.ndim < 1:
        return 0
    if x.flags.c_contiguous:
        return int(x.shape[-1])
    if x.strides[-1] != x.itemsize:
        return 0
    step = x.strides[-2] if x.ndim > 1 else x.nbytes
    for axis in range(x.ndim - 2):
        if x.strides[axis] != x.shape[axis + 1] * x.strides[axis + 1]:
            return 0
    return int(step // x.itemsize) if step >= x.shape[-1] * x.itemsize and not step % x.itemsize else 0
