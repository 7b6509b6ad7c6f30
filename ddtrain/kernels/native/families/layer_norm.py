"""Layer normalisation in C; see ``kernels/layer_norm.py`` for what it computes."""

# M rows, D features

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels import layer_norm
from ddtrain.kernels.native.layouts import DOUBLE, plain, result
from ddtrain.kernels.native.library import Library
from ddtrain.kernels.native.twins import twin
from ddtrain.kernels.workspace import scratch

Array = NDArray[Any]
_SUM_ULPS = 32.0  # of the largest: sums over rows in another order, and in float64 here
_SHAPES = [(0, 3), (1, 1), (5, 3), (2, 3, 8), (33, 100), (7, 64), (300, 17), (4, 1025)]
library = Library(
    "layer_norm",
    {
        "layer_norm": "ppppppnnd",
        "layer_norm_backward": "pppppppppnn",
        "rms_norm": "ppppnnd",
        "rms_norm_backward": "pppppppnn",
    },
)


@twin(
    layer_norm.forward,
    library,
    "layer_norm",
    examples=lambda r: [(r(*shape) + 2, r(shape[-1]), r(shape[-1]), 1e-5) for shape in _SHAPES],
)
def forward(x: Array, scale_D: Array, shift_D: Array, eps: float, out: Array | None = None) -> Any:
    dtype, size = x.dtype, x.shape[-1]
    call = library.function("layer_norm", dtype)
    if call is None or not size or not plain(dtype, x, scale_D, shift_D):
        return NotImplemented
    rows = (*x.shape[:-1], 1)
    y, mean, inv_std = result(x.shape, dtype, out), np.empty(rows, dtype), np.empty(rows, dtype)
    call(x, scale_D, shift_D, y, mean, inv_std, x.size // size, size, eps)
    return y, mean, inv_std


@twin(
    layer_norm.backward,
    library,
    "layer_norm_backward",
    examples=lambda r: [
        (r(*shape), r(*shape), r(*shape[:-1], 1), r(*shape[:-1], 1) ** 2, r(shape[-1])) for shape in _SHAPES
    ],
    ulps=_SUM_ULPS,
)
def backward(g: Array, x: Array, mean: Array, inv_std: Array, scale_D: Array, out: Array | None = None) -> Any:
    dtype, size = x.dtype, x.shape[-1]
    call = library.function("layer_norm_backward", dtype)
    if call is None or not size or not plain(dtype, g, x, mean, inv_std, scale_D):
        return NotImplemented
    dx, d_scale, d_shift = result(x.shape, dtype, out), np.empty(size, dtype), np.empty(size, dtype)
    space = scratch("layer_norm.sums", (4 * size,), DOUBLE)
    call(g, x, mean, inv_std, scale_D, dx, d_scale, d_shift, space, x.size // size, size)
    return dx, d_scale, d_shift


@twin(
    layer_norm.rms_forward,
    library,
    "rms_norm",
    examples=lambda r: [(r(*shape), r(shape[-1]), 1e-5) for shape in _SHAPES],
)
def rms_forward(x: Array, scale_D: Array, eps: float, out: Array | None = None) -> Any:
    dtype, size = x.dtype, x.shape[-1]
    call = library.function("rms_norm", dtype)
    if call is None or not size or not plain(dtype, x, scale_D):
        return NotImplemented
    y, inv_rms = result(x.shape, dtype, out), np.empty((*x.shape[:-1], 1), dtype)
    call(x, scale_D, y, inv_rms, x.size // size, size, eps)
    return y, inv_rms


@twin(
    layer_norm.rms_backward,
    library,
    "rms_norm_backward",
    examples=lambda r: [(r(*shape), r(*shape), r(*shape[:-1], 1) ** 2, r(shape[-1])) for shape in _SHAPES],
    ulps=_SUM_ULPS,
)
def rms_backward(g: Array, x: Array, inv_rms: Array, scale_D: Array, out: Array | None = None) -> Any:
    dtype, size = x.dtype, x.shape[-1]
    call = library.function("rms_norm_backward", dtype)
    if call is None or not size or not plain(dtype, g, x, inv_rms, scale_D):
        return NotImplemented
    dx, d_scale = result(x.shape, dtype, out), np.empty(size, dtype)
    call(g, x, inv_rms, scale_D, dx, d_scale, scratch("layer_norm.sums", (2 * size,), DOUBLE), x.size // size, size)
    return dx, d_scale
