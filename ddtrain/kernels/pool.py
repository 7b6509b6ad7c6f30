"""Pooling: the largest or the average value of each window of channels-last images.

Instead of a window at a time, a *position within the window* is taken at a time, for all windows at once: kh * kw
elementwise passes. Padding is (top, bottom, left, right); it holds minus infinity for the maximum, zeros for the
average, where padded places count.
"""

# N batch, H height, W width, C channels; P, Q: height and width of the output

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.conv import Pad, Stride, output_size
from ddtrain.kernels.seam import accelerated

Array = NDArray[Any]
NO_PAD = (0, 0, 0, 0)


def _positions(x_NHWC: Array, kh: int, kw: int, stride: Stride, p: int, q: int) -> Iterator[tuple[int, Array]]:
    """Each position within the window: its number, and the entries of ``x`` found there, (N, P, Q, C)."""
    down, across = stride
    for i in range(kh * kw):
        r, s = divmod(i, kw)
        yield i, x_NHWC[:, r : r + (p - 1) * down + 1 : down, s : s + (q - 1) * across + 1 : across]


def _padded(x_NHWC: Array, pad: Pad, value: float) -> Array:
    if pad == NO_PAD:
        return x_NHWC
    n, height, width, channels = x_NHWC.shape
    top, bottom, left, right = pad
    padded = np.full((n, height + top + bottom, width + left + right, channels), value, x_NHWC.dtype)
    padded[:, top : top + height, left : left + width] = x_NHWC
    return padded


def _cropped(padded: Array, height: int, width: int, pad: Pad, out: Array | None) -> Array:
    inside = padded[:, pad[0] : pad[0] + height, pad[2] : pad[2] + width]
    if out is None:
        return inside
    if inside is not out:
        out[...] = inside
    return out


def place_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The integers that count places in a window: of the size of the values, so that vectors hold as many of them.

    >>> place_dtype(np.dtype(np.float32))
    dtype('int32')
    """
    return np.dtype(np.int32 if dtype.itemsize == 4 else np.int64)


@accelerated
def max_forward(
    x_NHWC: Array, kh: int, kw: int, stride: Stride, pad: Pad, out: Array | None = None
) -> tuple[Array, Array]:
    """The maximum of each window, (N, P, Q, C), and which position of the window held it.

    Among equals the first; a NaN is larger than anything, and the last of several, as in PyTorch.

    >>> y, position = max_forward(np.arange(4.0).reshape(1, 2, 2, 1), 2, 2, (2, 2), (0, 0, 0, 0))
    >>> float(y[0, 0, 0, 0]), int(position[0, 0, 0, 0])
    (3.0, 3)
    """
    p, q = output_size(x_NHWC.shape[1], x_NHWC.shape[2], kh, kw, stride, pad)
    x_NHWC = _padded(x_NHWC, pad, -np.inf)
    shape = (x_NHWC.shape[0], p, q, x_NHWC.shape[3])
    y = np.empty(shape, x_NHWC.dtype) if out is None else out
    position = np.zeros(shape, place_dtype(y.dtype))
    larger = np.empty(shape, np.bool_)
    marked = np.empty(shape, position.dtype)
    for i, here in _positions(x_NHWC, kh, kw, stride, p, q):
        if i == 0:
            y[...] = here
            continue
        np.greater(here, y, out=larger)
        np.multiply(larger, position.dtype.type(i), out=marked)
        np.maximum(position, marked, out=position)  # later winners have larger numbers, so the maximum keeps the latest
        np.maximum(y, here, out=y)
    if y.size and np.isnan(np.max(y)):
        for i, here in _positions(x_NHWC, kh, kw, stride, p, q):
            np.copyto(position, i, where=np.isnan(here))
    return y, position


@accelerated
def max_backward(
    g_NPQC: Array, position: Array, height: int, width: int, kh: int, kw: int, stride: Stride, pad: Pad,
    out: Array | None = None,
) -> Array:  # fmt: skip
    """The cotangent of the images: each window's goes to the entry that won."""
    n, p, q, channels = g_NPQC.shape
    top, bottom, left, right = pad
    shape = (n, height + top + bottom, width + left + right, channels)
    padded = _zeros(shape, g_NPQC.dtype, out if pad == NO_PAD else None)
    # windows do not overlap: each entry is written once, so nothing needs adding
    apart = kh <= stride[0] and kw <= stride[1]
    for i, there in _positions(padded, kh, kw, stride, p, q):
        if apart:
            np.multiply(g_NPQC, position == i, out=there)
        else:
            there += g_NPQC * (position == i)
    return _cropped(padded, height, width, pad, out)


@accelerated
def average_forward(x_NHWC: Array, kh: int, kw: int, stride: Stride, pad: Pad, out: Array | None = None) -> Array:
    """The average of each window, (N, P, Q, C); padding counts as zeros."""
    p, q = output_size(x_NHWC.shape[1], x_NHWC.shape[2], kh, kw, stride, pad)
    x_NHWC = _padded(x_NHWC, pad, 0.0)
    y = _zeros((x_NHWC.shape[0], p, q, x_NHWC.shape[3]), x_NHWC.dtype, out)
    for _, here in _positions(x_NHWC, kh, kw, stride, p, q):
        y += here
    y *= 1.0 / (kh * kw)
    return y


@accelerated
def average_backward(
    g_NPQC: Array, height: int, width: int, kh: int, kw: int, stride: Stride, pad: Pad, out: Array | None = None
) -> Array:
    """The cotangent of the images: each window's is shared equally."""
    n, p, q, channels = g_NPQC.shape
    top, bottom, left, right = pad
    shape = (n, height + top + bottom, width + left + right, channels)
    padded = _zeros(shape, g_NPQC.dtype, out if pad == NO_PAD else None)
    share = g_NPQC * (1.0 / (kh * kw))
    for _, there in _positions(padded, kh, kw, stride, p, q):
        there += share
    return _cropped(padded, height, width, pad, out)


def _zeros(shape: tuple[int, ...], dtype: np.dtype[Any], out: Array | None) -> Array:
    if out is None:
        return np.zeros(shape, dtype)
    out[...] = 0
    return out
