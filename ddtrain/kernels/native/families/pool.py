"""Pooling in C; see ``kernels/pool.py`` for what it computes."""

# N batch, H height, W width, C channels; P, Q: height and width of the output

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels import pool
from ddtrain.kernels.conv import Pad, Stride, output_size
from ddtrain.kernels.native.layouts import plain, result
from ddtrain.kernels.native.library import Library
from ddtrain.kernels.native.twins import twin

Array = NDArray[Any]
_GEOMETRY = 12 * "n"  # N, H, W, C, P, Q, window, stride, top and left padding
library = Library(
    "pool",
    {
        "pool_max": "ppp" + _GEOMETRY,
        "pool_max_backward": "ppp" + _GEOMETRY,
        "pool_average": "pp" + _GEOMETRY,
        "pool_average_backward": "pp" + _GEOMETRY,
    },
)
_SHAPES: list[tuple[tuple[int, int, int, int], tuple[int, int, Stride, Pad]]] = [
    ((0, 4, 4, 2), (2, 2, (2, 2), (0, 0, 0, 0))),
    ((2, 5, 4, 3), (3, 2, (2, 1), (1, 1, 0, 1))),
    ((1, 7, 9, 16), (2, 2, (2, 2), (0, 0, 0, 0))),
    ((2, 9, 8, 24), (3, 3, (1, 1), (1, 1, 1, 1))),
    ((3, 6, 5, 33), (2, 3, (3, 4), (0, 0, 1, 0))),
    ((2, 8, 8, 70), (8, 8, (8, 8), (0, 0, 0, 0))),
    ((1, 20, 17, 1), (16, 16, (2, 1), (0, 0, 8, 8))),
]


def _cotangents(r: Any) -> list[tuple[Any, ...]]:
    """Arguments of the ways back of the shapes above: cotangents, the images' height and width, and the geometry."""
    found = []
    for (n, height, width, channels), geometry in _SHAPES:
        p, q = output_size(height, width, *geometry)
        found.append((r(n, p, q, channels), height, width, *geometry))
    return found


def _won(g: Array, kh: int, kw: int) -> Array:
    """Some position of the window for each cotangent."""
    return (np.arange(g.size).reshape(g.shape) * 7 % (kh * kw)).astype(pool.place_dtype(g.dtype))


@twin(
    pool.max_forward,
    library,
    "pool_max",
    examples=lambda r: [
        *((r(*shape), *geometry) for shape, geometry in _SHAPES),
        (np.where(r(2, 6, 6, 5) > 1, r(1) * np.nan, r(2, 6, 6, 5)), 3, 3, (1, 1), (1, 1, 1, 1)),
        (np.round(r(2, 6, 6, 12)), 2, 2, (2, 2), (0, 0, 0, 0)),
    ],
    ulps=0,
)
def max_forward(x_NHWC: Array, kh: int, kw: int, stride: Stride, pad: Pad, out: Array | None = None) -> Any:
    call = library.function("pool_max", x_NHWC.dtype)
    if call is None or not plain(x_NHWC.dtype, x_NHWC):
        return NotImplemented
    n, height, width, channels = x_NHWC.shape
    p, q = output_size(height, width, kh, kw, stride, pad)
    y = result((n, p, q, channels), x_NHWC.dtype, out)
    position = np.empty((n, p, q, channels), pool.place_dtype(x_NHWC.dtype))
    call(x_NHWC, y, position, n, height, width, channels, p, q, kh, kw, stride[0], stride[1], pad[0], pad[2])
    return y, position


@twin(
    pool.max_backward,
    library,
    "pool_max_backward",
    examples=lambda r: [(g, _won(g, *rest[2:4]), *rest) for g, *rest in _cotangents(r)],
    ulps=0,
)
def max_backward(
    g_NPQC: Array, position: Array, height: int, width: int, kh: int, kw: int, stride: Stride, pad: Pad,
    out: Array | None = None,
) -> Any:  # fmt: skip
    call = library.function("pool_max_backward", g_NPQC.dtype)
    if call is None or not plain(g_NPQC.dtype, g_NPQC) or not plain(pool.place_dtype(g_NPQC.dtype), position):
        return NotImplemented
    n, p, q, channels = g_NPQC.shape
    dx = result((n, height, width, channels), g_NPQC.dtype, out)
    call(g_NPQC, position, dx, n, height, width, channels, p, q, kh, kw, stride[0], stride[1], pad[0], pad[2])
    return dx


@twin(
    pool.average_forward,
    library,
    "pool_average",
    examples=lambda r: [(r(*shape), *geometry) for shape, geometry in _SHAPES],
)
def average_forward(x_NHWC: Array, kh: int, kw: int, stride: Stride, pad: Pad, out: Array | None = None) -> Any:
    call = library.function("pool_average", x_NHWC.dtype)
    if call is None or not plain(x_NHWC.dtype, x_NHWC):
        return NotImplemented
    n, height, width, channels = x_NHWC.shape
    p, q = output_size(height, width, kh, kw, stride, pad)
    y = result((n, p, q, channels), x_NHWC.dtype, out)
    call(x_NHWC, y, n, height, width, channels, p, q, kh, kw, stride[0], stride[1], pad[0], pad[2])
    return y


@twin(pool.average_backward, library, "pool_average_backward", examples=_cotangents)
def average_backward(
    g_NPQC: Array, height: int, width: int, kh: int, kw: int, stride: Stride, pad: Pad, out: Array | None = None
) -> Any:
    call = library.function("pool_average_backward", g_NPQC.dtype)
    if call is None or not plain(g_NPQC.dtype, g_NPQC):
        return NotImplemented
    n, p, q, channels = g_NPQC.shape
    dx = result((n, height, width, channels), g_NPQC.dtype, out)
    call(g_NPQC, dx, n, height, width, channels, p, q, kh, kw, stride[0], stride[1], pad[0], pad[2])
    return dx
