"""What twins ask of their arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def contiguous(*arrays: Array) -> bool:
    """Whether all lie in memory as C has them, row after row, and are plain arrays.

    >>> contiguous(np.ones((2, 3))), contiguous(np.ones((2, 3)).T)
    (True, False)
    """
    for a in arrays:  # noqa: SIM110 -- a generator would double what the call of a small kernel costs
        if type(a) is not np.ndarray or not a.flags.c_contiguous:
            return False
    return True


def result(shape: tuple[int, ...], dtype: np.dtype[Any], out: Array | None) -> Array:
    """``out`` where it is given, else a new array.

    >>> result((2,), np.dtype("f"), None).shape
    (2,)
    """
    return np.empty(shape, dtype) if out is None else out
