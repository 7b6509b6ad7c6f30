"""Group normalisation in C; see ``kernels/layer_norm.py`` for what it computes."""

# N batch, P positions, G groups, C channels

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels import layer_norm
from ddtrain.kernels.native.layouts import columns, plain, result
from ddtrain.kernels.native.library import Library
from ddtrain.kernels.native.twins import twin

Array = NDArray[Any]
_SUM_ULPS = 32.0  # of the largest: sums over samples in another order, and in float64 here
_SHAPES = [((1, 2), 1), ((5, 6), 2), ((3, 7, 7, 16), 4), ((2, 100, 3), 3), ((2, 9, 33), 1)]
library = Library("group_norm", {"group_norm": "pppppppnnnnd", "group_norm_backward": "pppppppppnnnn"})


@twin(
    layer_norm.group_forward,
    library,
    "group_norm",
    examples=lambda r: [(r(*shape) + 2, r(shape[-1]), r(shape[-1]), groups, 0.1) for shape, groups in _SHAPES],
)
def group_forward(x: Array, scale_C: Array, shift_C: Array, groups: int, eps: float, out: Array | None = None) -> Any:
    dtype, samples, channels = x.dtype, len(x), x.shape[-1]
    call = library.function("group_norm", dtype)
    if call is None or not x.size or not plain(dtype, x, scale_C, shift_C):
        return NotImplemented
    y, mean, inv_std = (
        result(x.shape, dtype, out),
        np.empty((samples, groups), dtype),
        np.empty((samples, groups), dtype),
    )
    positions = x.size // (samples * channels)
    call(x, scale_C, shift_C, y, mean, inv_std, columns(6, channels), samples, positions, groups, channels, eps)
    return y, mean, inv_std


@twin(
    layer_norm.group_backward,
    library,
    "group_norm_backward",
    examples=lambda r: [
        (r(*shape), r(*shape), r(shape[0], groups), r(shape[0], groups) ** 2, r(shape[-1])) for shape, groups in _SHAPES
    ],
    ulps=_SUM_ULPS,
)
def group_backward(
    g: Array, x: Array, mean_NG: Array, inv_std_NG: Array, scale_C: Array, out: Array | None = None
) -> Any:
    dtype, channels = x.dtype, x.shape[-1]
    call = library.function("group_norm_backward", dtype)
    if call is None or not x.size or not plain(dtype, g, x, mean_NG, inv_std_NG, scale_C):
        return NotImplemented
    dx, d_scale, d_shift = result(x.shape, dtype, out), np.empty(channels, dtype), np.empty(channels, dtype)
    samples, groups = mean_NG.shape
    call(
        g, x, mean_NG, inv_std_NG, scale_C, dx, d_scale, d_shift, columns(13, channels),
        samples, x.size // (samples * channels), groups, channels,
    )  # fmt: skip
    return dx, d_scale, d_shift
