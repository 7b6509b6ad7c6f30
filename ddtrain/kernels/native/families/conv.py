"""Convolution in C: windows are read where they lie instead of being unfolded; see ``sources/conv.c`` for how.

Kernels of 3 × 3 and 5 × 5 without a stride go by Winograd's algorithm where that is faster, ``sources/winograd.c``. One
call does all the work of a kernel. How much work space a shape takes is asked of the C code, once a shape.
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
KERNELS = ("forward", "backward_input", "backward_weight")


def _family(name: str) -> Library:
    shape = "n" * 16
    arguments = {"forward": "ppppp", "backward_input": "ppppp", "backward_weight": "pppp", "work": "p"}
    return Library(name, {f"{name}_{kernel}": pointers + shape for kernel, pointers in arguments.items()})


DIRECT, WINOGRAD = _family("conv"), _family("winograd")


def algorithm(
    x: Shape, w: Shape, stride: conv.Stride, pad: conv.Pad, groups: int = 1, dilation: conv.Stride = conv.NEXT
) -> str:
    """How images and a weight of these shapes are convolved, forward and back, where there are compiled kernels.

    Returns
    -------
    "direct" or "winograd"; "product", which is the reference, for what neither takes

    >>> algorithm((64, 16, 16, 32), (3, 3, 32, 32), (1, 1), (1, 1, 1, 1))
    'winograd'
    >>> algorithm((64, 16, 16, 32), (3, 3, 32, 64), (2, 2), (1, 1, 1, 1))
    'direct'
    """
    shape = call_shape(x, w, stride, pad, groups, dilation)
    return "product" if shape is None else "winograd" if by_winograd(shape) else "direct"


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
def by_winograd(shape: Shape) -> bool:
    """Whether Winograd's algorithm is faster, for numbers of :func:`call_shape`.

    It saves half of the products and adds passes over each tile's points and over the weight's. What those cost beside
    a product of one channel by one was fitted to times of images of 2 × 2 to 28 × 28 with 2 to 64 channels, on Zen 3
    with AVX2. It pays from about 12 channels on, for images that tiles of 2 × 2 outputs do not overlap by much.

    >>> by_winograd((64, 28, 28, 3, 28, 28, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1))  # too few channels
    False
    """
    n, _, _, c, p, q, k, *window, groups = shape
    if window[:6] not in ([3, 3, 1, 1, 1, 1], [5, 5, 1, 1, 1, 1]) or groups != 1 or max(window[6:]) >= window[0]:
        return False
    direct, by_points = (9, 16) if window[0] == 3 else (25, 49)
    tiles, whole = n * ((p + 1) // 2) * ((q + 1) // 2), -(-k // 8) * 8
    products = 1.2 * by_points * tiles * c * whole
    points = 88 * tiles * (c * by_points / 16 + whole)
    weights = 10 * by_points * c * whole
    return products + points + weights < 0.9 * direct * n * p * q * c * whole


@functools.lru_cache(4096)
def work_bytes(library: Library, kernel: str, shape: Shape, char: str) -> int:
    """Bytes of work space of a kernel for numbers of :func:`call_shape`."""
    measure = library.function(f"{library.family}_work", np.dtype(char))
    assert measure is not None, "asked for by a twin, which has the library"
    found = np.zeros(3, np.int64)
    measure(found, *shape)
    return int(found[KERNELS.index(kernel)])


def _call(kernel: str, shape: Shape | None, size: Shape, out: Array | None, *arrays: Array | None) -> Any:
    """The result of a kernel, of this size, of arrays in the order of its C function."""
    assert arrays[0] is not None
    dtype = arrays[0].dtype
    if shape is None:
        return NotImplemented
    for a in arrays:
        if a is not None and a.dtype != dtype:
            return NotImplemented
    library = WINOGRAD if by_winograd(shape) else DIRECT
    call = library.function(f"{library.family}_{kernel}", dtype)
    if call is None and library is WINOGRAD:
        library, call = DIRECT, DIRECT.function(f"conv_{kernel}", dtype)
    if call is None:
        return NotImplemented
    y = result(size, dtype, out)
    work = scratch("conv.work", (work_bytes(library, kernel, shape, dtype.char),), np.uint8)
    call(*[None if a is None else np.ascontiguousarray(a) for a in arrays], y, work, *shape)
    return y


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


def _squares(r: Draw) -> list[tuple[Any, ...]]:
    """Examples that go by Winograd's algorithm: odd sizes, channels that are no whole vectors."""
    one, same = (1, 1), (1, 1, 1, 1)
    return [
        (r(8, 8, 8, 32), r(3, 3, 32, 48), r(48), one, same, 1, one),
        (r(2, 33, 32, 30), r(3, 3, 30, 37), None, one, same, 1, one),
        (r(9, 14, 13, 20), r(3, 3, 20, 19), r(19), one, (0, 1, 2, 0), 1, one),
        (r(8, 14, 14, 16), r(5, 5, 16, 32), r(32), one, (2, 2, 2, 2), 1, one),
        (r(7, 13, 16, 21), r(5, 5, 21, 27), None, one, (4, 0, 1, 3), 1, one),
    ]


def _cotangent(r: Draw, x: Array, w: Array, stride: Any, pad: Any, dilation: Any) -> Array:
    size = conv.output_size(x.shape[1], x.shape[2], w.shape[0], w.shape[1], stride, pad, dilation)
    return r(len(x), *size, w.shape[3])


def _ways_back(images: Any) -> Any:
    return lambda r: [
        (
            _cotangent(r, x, w, s, pad, d),
            w,
            x.shape[1],
            x.shape[2],
            s,
            pad,
            groups,
            d,
            b if b is None else r(x.shape[3]),
        )
        for x, w, b, s, pad, groups, d in images(r)
    ]


def _weights(images: Any) -> Any:
    return lambda r: [
        (x, _cotangent(r, x, w, s, pad, d), w.shape[0], w.shape[1], s, pad, groups, d)
        for x, w, _, s, pad, groups, d in images(r)
        if len(x)  # of no images the cotangent is 0, from which nothing is a number of units away
    ]


# Sums of up to some thousand terms, each rounded as they are added up, here and in BLAS in two orders: differences grow
# like the root of their number, by Winograd three times as much; 64 units of the largest result are several times what
# the examples show.
@twin(conv.forward, DIRECT, "conv_forward", examples=_images, ulps=64)
@twin(conv.forward, WINOGRAD, "winograd_forward", examples=_squares, ulps=64)
def forward(
    x: Array, w: Array, b: Array | None, stride: conv.Stride, pad: conv.Pad, groups: int,
    dilation: conv.Stride = conv.NEXT, out: Array | None = None,
) -> Any:  # fmt: skip
    shape = call_shape(x.shape, w.shape, stride, pad, groups, dilation)
    return _call("forward", shape, () if shape is None else (shape[0], *shape[4:7]), out, x, w, b)


@twin(conv.backward_input, DIRECT, "conv_backward_input", examples=_ways_back(_images), ulps=64)
@twin(conv.backward_input, WINOGRAD, "winograd_backward_input", examples=_ways_back(_squares), ulps=64)
def backward_input(
    g: Array, w: Array, height: int, width: int, stride: conv.Stride, pad: conv.Pad, groups: int,
    dilation: conv.Stride = conv.NEXT, b: Array | None = None, out: Array | None = None,
) -> Any:  # fmt: skip
    size = (len(g), height, width, w.shape[2] * groups)
    return _call("backward_input", call_shape(size, w.shape, stride, pad, groups, dilation), size, out, g, w, b)


@twin(conv.backward_weight, DIRECT, "conv_backward_weight", examples=_weights(_images), ulps=64)
@twin(conv.backward_weight, WINOGRAD, "winograd_backward_weight", examples=_weights(_squares), ulps=64)
def backward_weight(
    x: Array, g: Array, kh: int, kw: int, stride: conv.Stride, pad: conv.Pad, groups: int,
    dilation: conv.Stride = conv.NEXT, out: Array | None = None,
) -> Any:  # fmt: skip
    size = (kh, kw, x.shape[3] // groups, g.shape[3])
    return _call("backward_weight", call_shape(x.shape, size, stride, pad, groups, dilation), size, out, x, g)
