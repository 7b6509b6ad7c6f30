"""Dropout, given the uniform numbers that decide: pure, so that every rank and every replay drops the same units."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def keep(uniform: Array, rate: float, dtype: np.dtype[Any], out: Array | None = None) -> Array:
    """``1 / (1 - rate)`` where ``uniform >= rate``, else 0: what the input is multiplied by.

    >>> keep(np.array([0.1, 0.5, 0.9]), 0.5, np.dtype(float))
    array([0., 2., 2.])
    """
    if out is None:
        out = np.empty(uniform.shape, dtype)
    factor = 1.0 / (1.0 - rate) if rate < 1.0 else 0.0
    # round rate to float32, so that runs in float32 and float64 drop the same entries
    threshold = uniform.dtype.type(np.float32(rate))
    np.multiply(uniform >= threshold, dtype.type(factor), out=out)
    return out


def forward(x: Array, kept: Array, out: Array | None = None) -> Array:
    """``x * kept``; backward is the same product with g for x."""
    return np.multiply(x, kept, out=out)
