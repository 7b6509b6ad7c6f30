"""Dropout, given the uniform numbers that decide: pure, so that every rank and every replay drops the same units.

The numbers are counter-based: they, too, are a function of their key and counter alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.seam import accelerated

Array = NDArray[Any]
_BLOCK = 8  # 32-bit words in what one counter of Philox gives (4 x 64 bits)


def blocks(features: int) -> int:
    """How many counters a row of so many numbers takes: whole ones, so that rows can be drawn apart.

    >>> blocks(8), blocks(9)
    (1, 2)
    """
    return -(-features // _BLOCK)


@accelerated
def uniform(
    words_6: NDArray[np.uint64], rows: int, features: int, dtype: np.dtype[Any], out: Array | None = None
) -> Array:
    """Uniform numbers in [0, 1), (rows, features), of 24 random bits whatever the dtype.

    Parameters
    ----------
    words_6 : the key of NumPy's Philox, 2 words, and the counter behind which it begins, 4 words, lowest first

    >>> uniform(np.zeros(6, np.uint64), 2, 3, np.dtype(np.float32)).round(3)
    array([[0.035, 0.012, 0.612],
           [0.532, 0.502, 0.906]], dtype=float32)
    """
    generator = np.random.Generator(np.random.Philox(key=words_6[:2], counter=words_6[2:]))
    draws = generator.random((rows, blocks(features) * _BLOCK), np.float32)[:, :features]
    if out is None:
        return draws.astype(dtype, copy=False)
    out[...] = draws
    return out


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


@accelerated
def forward(x: Array, numbers: Array, rate: float) -> tuple[Array, Array]:
    """``x * kept`` and ``kept``, which backward needs: see :func:`keep`.

    Parameters
    ----------
    numbers : of the shape of x, in [0, 1)
    """
    kept = keep(numbers, rate, x.dtype)
    return np.multiply(x, kept), kept


@accelerated
def backward(g: Array, kept: Array, out: Array | None = None) -> Array:
    """The cotangent of x: ``g * kept``."""
    return np.multiply(g, kept, out=out)
