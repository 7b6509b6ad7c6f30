"""Seeing an array with channels last as rows of many *lanes*, so that NumPy's inner loops are long.

A channel axis of 16 makes NumPy's inner loop 16 long, and its overhead outweighs the arithmetic. The axes before the
channels are contiguous with them, so (N, H, W, C) can be seen as (N*H, W*C): W lanes a channel, summed separately and
merged at the end. Sums over lanes are also more accurate, being shorter.
"""

# R rows, L lanes, C channels

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LONG = 256  # lanes from which the overhead of an inner loop no longer shows


def lanes(x: NDArray[Any]) -> NDArray[Any]:
    """``x`` (..., C) as (R, L), where L is a multiple of C; a view when ``x`` is contiguous.

    >>> lanes(np.zeros((8, 4, 32, 16))).shape
    (32, 512)
    """
    width, axis = x.shape[-1], x.ndim - 1
    while axis > 1 and width < _LONG:
        axis -= 1
        width *= x.shape[axis]
    rows = math.prod(x.shape[:axis])
    while width < _LONG and rows % 2 == 0 and rows > 64:  # no axis left: fold rows themselves
        rows, width = rows // 2, width * 2
    return x.reshape(rows, width)


def sum_rows(x: NDArray[Any], out: NDArray[Any] | None = None) -> NDArray[Any]:
    """The sum over all axes but the last.

    >>> sum_rows(np.ones((3, 2, 4)))
    array([6., 6., 6., 6.])
    """
    channels = x.shape[-1]
    x_RL = lanes(x)
    if x_RL.shape[1] == channels:
        return np.add.reduce(x_RL, axis=0, out=out)
    return np.add.reduce(np.add.reduce(x_RL, axis=0).reshape(-1, channels), axis=0, out=out)
