"""Convolution (cross-correlation) of channels-last images, unfolded a few images at a time into matrix products.

Unfolding copies each kernel window into a row, which turns the convolution into one product. Done for a whole batch
it would stream a copy kh*kw times the input through memory; done a few images at a time, the copy stays in cache.
Padding is (top, bottom, left, right), strides (down, across); dilation (down, across) is the distance between the
entries of a window, 1 where they are neighbours.
"""

# N batch, H height, W width, C channels in, K channels out, G groups (C = G * Cg, K = G * Kg), R rows of a product,
# U = kh * kw * Cg entries of an unfolded window; P, Q: height and width of the output

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from ddtrain.kernels.channel_sums import channel_sums
from ddtrain.kernels.seam import accelerated
from ddtrain.kernels.workspace import CHUNK_BYTES, scratch

Array = NDArray[Any]
Stride = tuple[int, int]
Pad = tuple[int, int, int, int]
NEXT = (1, 1)  # no dilation


def extent(kh: int, kw: int, dilation: Stride) -> tuple[int, int]:
    """Rows and columns from the first to the last entry of a window.

    >>> extent(3, 3, (2, 1))
    (5, 3)
    """
    return (kh - 1) * dilation[0] + 1, (kw - 1) * dilation[1] + 1


def output_size(
    height: int, width: int, kh: int, kw: int, stride: Stride, pad: Pad, dilation: Stride = NEXT
) -> tuple[int, int]:
    """Height and width of the output.

    >>> output_size(28, 28, 5, 5, (2, 2), (2, 2, 2, 2))
    (14, 14)
    """
    top, bottom, left, right = pad
    rows, columns = extent(kh, kw, dilation)
    return (height + top + bottom - rows) // stride[0] + 1, (width + left + right - columns) // stride[1] + 1


def windows(x_NHWC: Array, kh: int, kw: int, stride: Stride, dilation: Stride = NEXT) -> Array:
    """All windows of padded images, (N, P, Q, kh, kw, C), without copying."""
    n, height, width, channels = x_NHWC.shape
    a, b, c, d = x_NHWC.strides
    p, q = output_size(height, width, kh, kw, stride, (0, 0, 0, 0), dilation)
    steps = (a, b * stride[0], c * stride[1], b * dilation[0], c * dilation[1], d)
    return as_strided(x_NHWC, (n, p, q, kh, kw, channels), steps, writeable=False)


def _unfolded(
    x_NHWC: Array, kh: int, kw: int, stride: Stride, pad: Pad, groups: int, dilation: Stride
) -> Iterator[tuple[slice, Array]]:
    """The windows of a few images at a time as (G, R, U), in work space that the next ones overwrite."""
    n, height, width, channels = x_NHWC.shape
    top, bottom, left, right = pad
    p, q = output_size(height, width, kh, kw, stride, pad, dilation)
    per_image = max(1, p * q * kh * kw * channels * x_NHWC.itemsize)
    step = max(1, min(n, CHUNK_BYTES // per_image))
    padded = scratch("conv.padded", (step, height + top + bottom, width + left + right, channels), x_NHWC.dtype)
    padded[...] = 0
    columns = scratch("conv.columns", (groups, step * p * q, kh, kw, channels // groups), x_NHWC.dtype)
    for start in range(0, n, step):
        part = slice(start, min(start + step, n))
        m = part.stop - start
        padded[:m, top : top + height, left : left + width] = x_NHWC[part]
        cut = windows(padded[:m], kh, kw, stride, dilation).reshape(
            m, p, q, kh, kw, groups, channels // groups, copy=False
        )
        unfolded = columns[:, : m * p * q]
        np.copyto(unfolded.reshape(groups, m, p, q, kh, kw, -1, copy=False), cut.transpose(5, 0, 1, 2, 3, 4, 6))
        yield part, unfolded.reshape(groups, m * p * q, -1, copy=False)


def _by_group(y: Array, rows: int, groups: int) -> Array:
    """A contiguous (..., K) seen as (G, rows, Kg)."""
    return y.reshape(rows, groups, y.shape[-1] // groups, copy=False).transpose(1, 0, 2)


@accelerated
def forward(
    x_NHWC: Array, w: Array, b_K: Array | None, stride: Stride, pad: Pad, groups: int, dilation: Stride = NEXT,
    out: Array | None = None,
) -> Array:  # fmt: skip
    """The convolution, (N, P, Q, K), of images with ``w`` (kh, kw, Cg, K), plus the bias.

    >>> forward(np.ones((1, 3, 3, 1)), np.ones((3, 3, 1, 1)), None, (1, 1), (1, 1, 1, 1), 1)[0, :, :, 0]
    array([[4., 6., 4.],
           [6., 9., 6.],
           [4., 6., 4.]])
    """
    n, height, width, _ = x_NHWC.shape
    kh, kw, cg, k = w.shape
    p, q = output_size(height, width, kh, kw, stride, pad, dilation)
    y = np.empty((n, p, q, k), x_NHWC.dtype) if out is None else out
    if _is_depthwise(x_NHWC, k, groups):
        return _depthwise(x_NHWC, w[:, :, 0], b_K, stride, pad, dilation, y)
    w_GUK = _by_group(np.ascontiguousarray(w), kh * kw * cg, groups)
    for part, columns in _unfolded(x_NHWC, kh, kw, stride, pad, groups, dilation):
        here = y[part]
        np.matmul(columns, w_GUK, out=_by_group(here, columns.shape[1], groups))
        if b_K is not None:
            here += b_K  # add the bias while the product is in the cache
    return y


def _is_depthwise(x_NHWC: Array, k: int, groups: int) -> bool:
    return groups > 1 and groups == x_NHWC.shape[3] and groups == k


def _shifted(
    x_NHWC: Array, kh: int, kw: int, stride: Stride, pad: Pad, dilation: Stride, size: tuple[int, int]
) -> Iterator[tuple[slice, int, int, Array]]:
    """Of a few images at a time, what each position of the kernel sees, (m, P, Q, C): the images, r, s, the entries."""
    n, height, width, channels = x_NHWC.shape
    (down, across), (top, bottom, left, right), (p, q) = stride, pad, size
    step = max(1, min(n, CHUNK_BYTES // max(1, height * width * channels * x_NHWC.itemsize)))
    padded = scratch("conv.padded", (step, height + top + bottom, width + left + right, channels), x_NHWC.dtype)
    padded[...] = 0
    for start in range(0, n, step):
        part = slice(start, min(start + step, n))
        m = part.stop - start
        padded[:m, top : top + height, left : left + width] = x_NHWC[part]
        for r in range(kh):
            rows = slice(r * dilation[0], r * dilation[0] + (p - 1) * down + 1, down)
            for s in range(kw):
                columns = slice(s * dilation[1], s * dilation[1] + (q - 1) * across + 1, across)
                yield part, r, s, padded[:m, rows, columns]


def _depthwise(
    x_NHWC: Array, w: Array, b_K: Array | None, stride: Stride, pad: Pad, dilation: Stride, y: Array
) -> Array:
    """The convolution of each channel by itself, w (kh, kw, C), without matrices: theirs would have one column each."""
    kh, kw, _ = w.shape
    for part, r, s, seen in _shifted(x_NHWC, kh, kw, stride, pad, dilation, y.shape[1:3]):
        here = y[part]
        if r == s == 0:
            np.multiply(seen, w[r, s], out=here)
            if b_K is not None:
                here += b_K
        else:
            here += seen * w[r, s]
    return y


@accelerated
def backward_weight(
    x_NHWC: Array, g_NPQK: Array, kh: int, kw: int, stride: Stride, pad: Pad, groups: int, dilation: Stride = NEXT,
    out: Array | None = None,
) -> Array:  # fmt: skip
    """The cotangent of the weight, (kh, kw, Cg, K)."""
    channels, k = x_NHWC.shape[3], g_NPQK.shape[3]
    shape = (kh, kw, channels // groups, k)
    dw = np.zeros(shape, x_NHWC.dtype) if out is None else out
    dw[...] = 0
    if _is_depthwise(x_NHWC, k, groups):
        for part, r, s, seen in _shifted(x_NHWC, kh, kw, stride, pad, dilation, g_NPQK.shape[1:3]):
            dw[r, s, 0] += channel_sums(seen * g_NPQK[part])
        return dw
    dw_GUK = _by_group(dw, kh * kw * shape[2], groups)
    g_NPQK = np.ascontiguousarray(g_NPQK)
    for part, columns in _unfolded(x_NHWC, kh, kw, stride, pad, groups, dilation):
        dw_GUK += np.matmul(columns.transpose(0, 2, 1), _by_group(g_NPQK[part], columns.shape[1], groups))
    return dw


@accelerated
def backward_input(
    g_NPQK: Array, w: Array, height: int, width: int, stride: Stride, pad: Pad, groups: int, dilation: Stride = NEXT,
    b_C: Array | None = None, out: Array | None = None,
) -> Array:  # fmt: skip
    """The cotangent of the images, (N, height, width, C); plus a bias, for a transposed convolution."""
    kh, kw, cg, k = w.shape
    top, bottom, left, right = pad
    rows, columns = extent(kh, kw, dilation)
    around = (rows - 1 - top, rows - 1 - bottom, columns - 1 - left, columns - 1 - right)
    if stride == (1, 1) and cg * groups >= k and min(around) >= 0:
        return forward(g_NPQK, _flipped(w, groups), b_C, stride, around, groups, dilation, out)
    return _fold_back(g_NPQK, w, height, width, stride, pad, groups, dilation, b_C, out)


def _flipped(w: Array, groups: int) -> Array:
    """The weight of the convolution that takes g to the cotangent of x: turned round, in and out exchanged."""
    kh, kw, cg, k = w.shape
    split = w[::-1, ::-1].reshape(kh, kw, cg, groups, k // groups)
    return np.ascontiguousarray(split.transpose(0, 1, 4, 3, 2)).reshape(kh, kw, k // groups, groups * cg)


def _fold_back(
    g_NPQK: Array, w: Array, height: int, width: int, stride: Stride, pad: Pad, groups: int, dilation: Stride,
    b_C: Array | None, out: Array | None,
) -> Array:  # fmt: skip
    """Each kernel position's share of the cotangent by a product, added where its windows came from."""
    n, p, q, k = g_NPQK.shape
    kh, kw, cg, _ = w.shape
    (down, across), (top, bottom, left, right), channels = stride, pad, cg * groups
    dx = np.empty((n, height, width, channels), g_NPQK.dtype) if out is None else out
    step = max(1, min(n, CHUNK_BYTES // max(1, p * q * kh * kw * channels * g_NPQK.itemsize)))
    shares = scratch("conv.columns", (kh, kw, step * p * q, channels), g_NPQK.dtype)
    padded = scratch("conv.padded", (step, height + top + bottom, width + left + right, channels), g_NPQK.dtype)
    g_NPQK = np.ascontiguousarray(g_NPQK)
    w_by_group = w.reshape(kh, kw, cg, groups, k // groups).transpose(0, 1, 3, 4, 2)  # (kh, kw, G, Kg, Cg)
    for start in range(0, n, step):
        m = min(step, n - start)
        here = shares[:, :, : m * p * q]
        targets = here.reshape(kh, kw, m * p * q, groups, cg, copy=False).transpose(0, 1, 3, 2, 4)
        np.matmul(_by_group(g_NPQK[start : start + m], m * p * q, groups), w_by_group, out=targets)
        padded[:m] = 0
        for r in range(kh):
            for s in range(kw):
                at, beside = r * dilation[0], s * dilation[1]
                reached = padded[:m, at : at + p * down : down, beside : beside + q * across : across]
                reached += here[r, s].reshape(m, p, q, channels)
        dx[start : start + m] = padded[:m, top : top + height, left : left + width]
    if b_C is not None:
        dx += b_C
    return dx
