"""Convolution in C: windows are read where they lie instead of being unfolded; see ``sources/conv.c`` for how.

One call does all the work of a kernel. How much work space a shape takes is asked of the C code, once a shape.
"""

# N batch, H height, W width, C channels in, K channels out

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels import conv
from ddtrain.kernels.native.layouts import result
from ddtrain.kernels.native.library import Library
from ddtrain.kernels.native.twins import twin
from ddtrain.kernels.workspace import scratch

Array = NDArray[Any]
Shape = tuple[int, ...]
Draw = Callable[..., Array]
MOST_STRIDE = 8  # as in conv_plan.h
MOST_ENTRIES = 1 << 28  # of an image with the zeros around it, and of a weight: distances in C have 32 bits
_SHAPE = "n" * 16
library = Library(
    "conv",
    {
        "conv_forward": "ppppp" + _SHAPE,
        "conv_backward_input": "ppppp" + _SHAPE,
        "conv_backward_weight": "pppp" + _SHAPE,
        "conv_work": "p" + _SHAPE,
    },
)


@functools.lru_cache(1024)
def call_shape(
    x: Shape, w: Shape, stride: conv.Stride, pad: conv.Pad, groups: int, dilation: conv.Stride
) -> Shape | None:
    """The numbers that the C functions are called with, of images and a weight; None for what they do not take."""
    n, height, width, channels = x
    kh, kw, _, k = w
    p, q = conv.output_size(height, width, kh, kw, stride, pad, dilation)
    rows, columns = height + pad[0] + pad[1] + 2 * kh * dilation[0], width + pad[2] + pad[3] + 2 * kw * dilation[1]
    largest = max(rows * columns * max(channels, k), kh * kw * channels * k)
    if max(stride) > MOST_STRIDE or largest > MOST_ENTRIES or min(*x[1:], *w, p, q) < 1:
        return None
    return n, height, width, channels, p, q, k, kh, kw, *stride, *dilation, pad[0], pad[2], groups


@functools.lru_cache(1024)
def work_bytes(shape: Shape, char: str) -> tuple[int, int, int]:
    """Work space of forward, the input's gradient and the weight's, for numbers of :func:`call_shape`."""
    measure = library.function("conv_work", np.dtype(char))
    assert measure is not None, "asked for by a twin, which has the library"
    found = np.zeros(3, np.int64)
    measure(found, *shape)
    return int(found[0]), int(found[1]), int(found[2])


def _plain(a: Array | None) -> Array | None:
    return None if a is None else np.ascontiguousarray(a)


def _images(r: Draw) -> list[tuple[Any, ...]]:
    """Images, weight, bias and geometry of examples: what rows, blocks of columns, strips and passes leave over."""
    one, none, same = (1, 1), (0, 0, 0, 0), (1, 1, 1, 1)
    return [
        (r(2, 5, 6, 3), r(3, 3, 3, 4), r(4), one, same, 1, one),
        (r(3, 32, 32, 16), r(3, 3, 16, 16), None, one, same, 1, one),
        (r(1, 9, 9, 40), r(3, 3, 40, 57), r(57), one, same, 1, one),
        (r(2, 28, 28, 1), r(5, 5, 1, 6), r(6), one, (2, 2, 2, 2), 1, one),
        (r(2, 9, 8, 5), r(3, 2, 5, 24), r(24), (2, 3), (1, 0, 2, 1), 1, one),
        (r(2, 5, 4, 8), r(1, 1, 8, 12), None, (2, 2), none, 1, one),
        (r(1, 9, 10, 6), r(3, 2, 3, 10), r(10), (3, 2), (1, 2, 0, 1), 2, (2, 3)),
        (r(2, 7, 6, 11), r(3, 3, 1, 11), r(11), (2, 1), same, 11, (1, 2)),
        (r(1, 2, 2, 1), r(4, 4, 1, 1), r(1), one, same, 1, one),
        (r(0, 5, 5, 2), r(3, 3, 2, 4), r(4), one, same, 1, one),
    ]


def _cotangent(r: Draw, x: Array, w: Array, stride: Any, pad: Any, dilation: Any) -> Array:
    size = conv.output_size(x.shape[1], x.shape[2], w.shape[0], w.shape[1], stride, pad, dilation)
    return r(len(x), *size, w.shape[3])


def _ways_back(r: Draw) -> list[tuple[Any, ...]]:
    return [
        (_cotangent(r, x, w, s, pad, d), w, x.shape[1], x.shape[2], s, pad, groups, d, b and r(x.shape[3]))
        for i, (x, w, _, s, pad, groups, d) in enumerate(_images(r))
        for b in [i % 2 == 0 or None]
    ]


def _weights(r: Draw) -> list[tuple[Any, ...]]:
    return [
        (x, _cotangent(r, x, w, s, pad, d), w.shape[0], w.shape[1], s, pad, groups, d)
        for x, w, _, s, pad, groups, d in _images(r)
        if len(x)  # of no images the cotangent is 0, from which nothing is a number of units away
    ]


# Sums of up to some thousand terms, each rounded as they are added up, here and in BLAS in two orders: differences grow
# like the root of their number; 64 units of the largest result are ten times what these examples show.
@twin(conv.forward, library, "conv_forward", examples=_images, ulps=64)
def forward(
    x: Array, w: Array, b: Array | None, stride: conv.Stride, pad: conv.Pad, groups: int,
    dilation: conv.Stride = conv.NEXT, out: Array | None = None,
) -> Any:  # fmt: skip
    dtype = x.dtype
    call = library.function("conv_forward", dtype)
    if call is None or w.dtype != dtype or (b is not None and b.dtype != dtype):
        return NotImplemented
    shape = call_shape(x.shape, w.shape, stride, pad, groups, dilation)
    if shape is None:
        return NotImplemented
    y = result((shape[0], *shape[4:7]), dtype, out)
    work = scratch("conv.work", (work_bytes(shape, dtype.char)[0],), np.uint8)
    call(_plain(x), _plain(w), _plain(b), y, work, *shape)
    return y


@twin(conv.backward_input, library, "conv_backward_input", examples=_ways_back, ulps=64)
def backward_input(
    g: Array, w: Array, height: int, width: int, stride: conv.Stride, pad: conv.Pad, groups: int,
    dilation: conv.Stride = conv.NEXT, b: Array | None = None, out: Array | None = None,
) -> Any:  # fmt: skip
    dtype = g.dtype
    call = library.function("conv_backward_input", dtype)
    if call is None or w.dtype != dtype or (b is not None and b.dtype != dtype):
        return NotImplemented
    shape = call_shape((len(g), height, width, w.shape[2] * groups), w.shape, stride, pad, groups, dilation)
    if shape is None:
        return NotImplemented
    dx = result(shape[:4], dtype, out)
    work = scratch("conv.work", (work_bytes(shape, dtype.char)[1],), np.uint8)
    call(_plain(g), _plain(w), _plain(b), dx, work, *shape)
    return dx


@twin(conv.backward_weight, library, "conv_backward_weight", examples=_weights, ulps=64)
def backward_weight(
    x: Array, g: Array, kh: int, kw: int, stride: conv.Stride, pad: conv.Pad, groups: int,
    dilation: conv.Stride = conv.NEXT, out: Array | None = None,
) -> Any:  # fmt: skip
    dtype = x.dtype
    call = library.function("conv_backward_weight", dtype)
    if call is None or g.dtype != dtype:
        return NotImplemented
    w_shape = kh, kw, x.shape[3] // groups, g.shape[3]
    shape = call_shape(x.shape, w_shape, stride, pad, groups, dilation)
    if shape is None:
        return NotImplemented
    dw = result(w_shape, dtype, out)
    work = scratch("conv.work", (work_bytes(shape, dtype.char)[2],), np.uint8)
    call(_plain(x), _plain(g), dw, work, *shape)
    return dw
