"""Sums over all axes but the channels, which are last: rows are made wide first, so that NumPy's inner loops are long.

A channel axis of 16 makes NumPy's inner loop 16 long, and its overhead outweighs the arithmetic. The axes before the
channels are contiguous with them, so (N, H, W, C) can be seen as (N*H, W*C): rows in which a channel has W columns,
which are summed separately and merged at the end. These sums are also more accurate, being shorter.
"""

# R rows, W columns of them, several a channel, C channels

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.seam import accelerated

_WIDE = 256  # with so many columns, the overhead of each inner loop no longer matters


def wide_rows(x: NDArray[Any]) -> NDArray[Any]:
    """``x`` (..., C) as (R, W), where W is a multiple of C; a view when ``x`` is contiguous.

    >>> wide_rows(np.zeros((8, 4, 32, 16))).shape
    (32, 512)
    """
    width, axis = x.shape[-1], x.ndim - 1
    while axis > 1 and width < _WIDE:
        axis -= 1
        width *= x.shape[axis]
    rows = math.prod(x.shape[:axis])
    # no axis is left to unfold, so halve the rows and double the columns
    while width < _WIDE and rows % 2 == 0 and rows > 64:
        rows, width = rows // 2, width * 2
    return x.reshape(rows, width)


@accelerated
def channel_sums(x: NDArray[Any], out: NDArray[Any] | None = None) -> NDArray[Any]:
    """The sum over all axes but the last.

    >>> channel_sums(np.ones((3, 2, 4)))
    array([6., 6., 6., 6.])
    """
    channels = x.shape[-1]
    x_RW = wide_rows(x)
    if x_RW.shape[1] == channels:
        return np.add.reduce(x_RW, axis=0, out=out)
    return np.add.reduce(np.add.reduce(x_RW, axis=0).reshape(-1, channels), axis=0, out=out)
