"""The affine map: one matrix product forward, two backward."""

# M rows (all leading axes together), D in, K out

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.channel_sums import channel_sums
from ddtrain.kernels.seam import accelerated

Array = NDArray[Any]


def as_rows(x: Array) -> Array:
    """``x`` (..., D) as (M, D)."""
    return x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


@accelerated
def forward(x: Array, w_DK: Array, b_K: Array | None = None, out: Array | None = None) -> Array:
    """``x @ w + b`` for x (..., D).

    >>> forward(np.ones((2, 3)), np.ones((3, 1)), np.ones(1))
    array([[4.],
           [4.]])
    """
    shape = (*x.shape[:-1], w_DK.shape[1])
    y_MK = np.matmul(as_rows(x), w_DK, out=None if out is None else as_rows(out))
    if b_K is not None:
        y_MK += b_K
    return y_MK.reshape(shape)


@accelerated
def backward_input(g: Array, w_DK: Array, out: Array | None = None) -> Array:
    """The cotangent of x: ``g @ w.T``."""
    dx_MD = np.matmul(as_rows(g), w_DK.T, out=None if out is None else as_rows(out))
    return dx_MD.reshape(*g.shape[:-1], w_DK.shape[0])


@accelerated
def backward_weight(x: Array, g: Array, out: Array | None = None) -> Array:
    """The cotangent of w: ``x.T @ g`` over all rows."""
    return np.matmul(as_rows(x).T, as_rows(g), out=out)


def backward_bias(g: Array, out: Array | None = None) -> Array:
    """The cotangent of b: the sum of g over all rows."""
    return channel_sums(g, out)
