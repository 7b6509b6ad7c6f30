"""Batch normalisation in C; see ``kernels/batch_norm.py`` for what it computes, ``sources/columns.h`` for how."""

# C channels, M = 1 + 2 C, B parts to be merged

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels import batch_norm
from ddtrain.kernels.native.layouts import DOUBLE, columns, contiguous, plain, result
from ddtrain.kernels.native.library import Library
from ddtrain.kernels.native.twins import twin

Array = NDArray[Any]
_SUM_ULPS = 64.0  # of the largest: sums of CHUNK terms here, of up to 2048 in the reference, in another order
library = Library(
    "batch_norm",
    {
        "batch_norm_moments": "pppnn",
        "batch_norm_running": "ppppnd",
        "batch_norm_normalise": "ppppppppnnnd",
        "batch_norm_backward_sums": "ppppppppnn",
        "batch_norm_backward_input": "ppppppppnn",
    },
)


@twin(
    batch_norm.moments,
    library,
    "batch_norm_moments",
    examples=lambda r: [
        (r(0, 3),),
        (r(1, 1),),
        (r(2, 5, 3),),
        (r(64, 32),),
        (r(33, 100) + 3,),
        (r(5, 7, 7, 16) * 2 + 1000,),
        (r(70, 9, 24),),
        (r(30000, 1),),
    ],
    ulps=_SUM_ULPS,
)
def moments(x: Array) -> Any:
    call = library.function("batch_norm_moments", x.dtype)
    channels = x.shape[-1]
    if call is None or not channels or not contiguous(x):
        return NotImplemented
    moments_M = np.empty(1 + 2 * channels)
    call(x, moments_M, columns(7, channels), x.size // channels, channels)
    return moments_M


def _moments(r: Any, channels: int, parts: int = 1) -> Array:
    """Moments of some parts, of which the second is empty."""
    counts_B1 = np.arange(1.0, 1 + parts)[:, None] * (np.arange(parts) != 1)[:, None]
    mean_BC, m2_BC = r(parts, channels).astype(np.float64), r(parts, channels).astype(np.float64) ** 2
    return np.concatenate((counts_B1, mean_BC * (counts_B1 > 0), m2_BC * counts_B1), axis=1)


@twin(
    batch_norm.running,
    library,
    "batch_norm_running",
    examples=lambda r: [(_moments(r, 9, parts)[-1], r(9), r(9) ** 2, 0.1) for parts in (1, 2, 7)],
    ulps=2.0,
)
def running(moments_M: Array, mean_C: Array, variance_C: Array, share: float) -> Any:
    call = library.function("batch_norm_running", mean_C.dtype)
    if call is None or not plain(mean_C.dtype, mean_C, variance_C) or not plain(DOUBLE, moments_M):
        return NotImplemented
    channels = mean_C.size
    running_2C = np.empty((2, channels))
    call(moments_M, mean_C, variance_C, running_2C, channels, share)
    return running_2C


@twin(
    batch_norm.normalise,
    library,
    "batch_norm_normalise",
    examples=lambda r: [
        (r(*shape), _moments(r, shape[-1], parts), r(shape[-1]), r(shape[-1]), 1e-5)
        for parts, shape in enumerate([(0, 3), (1, 1), (9, 5, 3), (70, 24), (33, 100), (2, 9, 9, 16)], 1)
    ],
    ulps=4.0,
)
def normalise(x: Array, parts_BM: Array, scale_C: Array, shift_C: Array, eps: float, out: Array | None = None) -> Any:
    dtype, channels = x.dtype, x.shape[-1]
    call = library.function("batch_norm_normalise", dtype)
    if call is None or not channels or not plain(dtype, x, scale_C, shift_C) or not plain(DOUBLE, parts_BM):
        return NotImplemented
    y, moments_M, inv_std_C = result(x.shape, dtype, out), np.empty(1 + 2 * channels), np.empty(channels)
    space = columns(3, channels)
    call(
        x, parts_BM, scale_C, shift_C, y, moments_M, inv_std_C, space,
        x.size // channels, channels, len(parts_BM), eps,
    )  # fmt: skip
    return y, moments_M, inv_std_C


def _backward_examples(r: Any) -> list[tuple[Array, ...]]:
    shapes = [(0, 3), (1, 1), (9, 5, 3), (70, 24), (33, 100), (5, 9, 9, 16), (3000, 2)]
    return [(r(*shape), r(*shape), _moments(r, shape[-1])[0], r(shape[-1]).astype(np.float64) ** 2) for shape in shapes]


@twin(
    batch_norm.backward_sums,
    library,
    "batch_norm_backward_sums",
    examples=_backward_examples,
    ulps=_SUM_ULPS,
)
def backward_sums(g: Array, x: Array, moments_M: Array, inv_std_C: Array) -> Any:
    dtype, channels = x.dtype, x.shape[-1]
    call = library.function("batch_norm_backward_sums", dtype)
    if call is None or not channels or not plain(dtype, g, x) or not plain(DOUBLE, moments_M, inv_std_C):
        return NotImplemented
    sums_2C, d_scale, d_shift = np.empty((2, channels)), np.empty(channels, dtype), np.empty(channels, dtype)
    space = columns(5, channels)
    call(g, x, moments_M, inv_std_C, sums_2C, d_scale, d_shift, space, x.size // channels, channels)
    return sums_2C, d_scale, d_shift


@twin(
    batch_norm.backward_input,
    library,
    "batch_norm_backward_input",
    examples=lambda r: [
        (*arguments, r(len(arguments[3])), r(2, len(arguments[3])).astype(np.float64))
        for arguments in _backward_examples(r)
    ],
)
def backward_input(
    g: Array, x: Array, moments_M: Array, inv_std_C: Array, scale_C: Array, sums_2C: Array, out: Array | None = None
) -> Any:
    dtype, channels = x.dtype, x.shape[-1]
    call = library.function("batch_norm_backward_input", dtype)
    if call is None or not channels or not plain(dtype, g, x, scale_C):
        return NotImplemented
    if not plain(DOUBLE, moments_M, inv_std_C, sums_2C):
        return NotImplemented
    dx = result(x.shape, dtype, out)
    space = columns(4, channels)
    call(g, x, moments_M, inv_std_C, scale_C, sums_2C, dx, space, x.size // channels, channels)
    return dx
