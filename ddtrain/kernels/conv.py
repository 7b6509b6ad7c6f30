"""Convolution (cross-correlation) of channels-last images, unfolded a few images at a time into matrix products.

Unfolding copies each kernel window into a row, which turns the convolution into one product. Done for a whole batch
it would stream a copy kh*kw times the input through memory; done a few images at a time, the copy stays in cache.
Padding is (top, bottom, left, right), strides (down, across).
"""

# N batch, H height, W width, C channels in, K channels out, G groups (C = G * Cg, K = G * Kg), R rows of a product,
# U = kh * kw * Cg entries of an unfolded window; P, Q: height and width of the output

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from ddtrain.kernels.workspace import CHUNK_BYTES, scratch

Array = NDArray[Any]
Stride = tuple[int, int]
Pad = tuple[int, int, int, int]


def output_size(height: int, width: int, kh: int, kw: int, stride: Stride, pad: Pad) -> tuple[int, int]:
    """Height and width of the output.

    >>> output_size(28, 28, 5, 5, (2, 2), (2, 2, 2, 2))
    (14, 14)
    """
    top, bottom, left, right = pad
    return (height + top + bottom - kh) // stride[0] + 1, (width + left + right - kw) // stride[1] + 1


def windows(x_NHWC: Array, kh: int, kw: int, stride: Stride) -> Array:
    """All windows of padded images, (N, P, Q, kh, kw, C), without copying."""
    n, height, width, channels = x_NHWC.shape
    a, b, c, d = x_NHWC.strides
    p, q = output_size(height, width, kh, kw, stride, (0, 0, 0, 0))
    return as_strided(x_NHWC, (n, p, q, kh, kw, channels), (a, b * stride[0], c * stride[1], b, c, d), writeable=False)


def _unfolded(x_NHWC: Array, kh: int, kw: int, stride: Stride, pad: Pad, groups: int) -> Iterator[tuple[slice, Array]]:
    """The windows of a few images at a time as (G, R, U), in work space that the next ones overwrite."""
    n, height, width, channels = x_NHWC.shape
    top, bottom, left, right = pad
    p, q = output_size(height, width, kh, kw, stride, pad)
    per_image = max(1, p * q * kh * kw * channels * x_NHWC.itemsize)
    step = max(1, min(n, CHUNK_BYTES // per_image))
    padded = scratch("conv.padded", (step, height + top + bottom, width + left + right, channels), x_NHWC.dtype)
    padded[...] = 0
    columns = scratch("conv.columns", (groups, step * p * q, kh, kw, channels // groups), x_NHWC.dtype)
    for start in range(0, n, step):
        part = slice(start, min(start + step, n))
        m = part.stop - start
        padded[:m, top : top + height, left : left + width] = x_NHWC[part]
        cut = windows(padded[:m], kh, kw, stride).reshape(m, p, q, kh, kw, groups, channels // groups, copy=False)
        unfolded = columns[:, : m * p * q]
        np.copyto(unfolded.reshape(groups, m, p, q, kh, kw, -1, copy=False), cut.transpose(5, 0, 1, 2, 3, 4, 6))
        yield part, unfolded.reshape(groups, m * p * q, -1, copy=False)


def _by_group(y: Array, rows: int, groups: int) -> Array:
    """A contiguous (..., K) seen as (G, rows, Kg)."""
    return y.reshape(rows, groups, y.shape[-1] // groups, copy=False).transpose(1, 0, 2)


def forward(
    x_NHWC: Array, w: Array, b_K: Array | None, stride: Stride, pad: Pad, groups: int, out: Array | None = None
) -> Array:
    """The convolution, (N, P, Q, K), of images with ``w`` (kh, kw, Cg, K), plus the bias.

    >>> forward(np.ones((1, 3, 3, 1)), np.ones((3, 3, 1, 1)), None, (1, 1), (1, 1, 1, 1), 1)[0, :, :, 0]
    array([[4., 6., 4.],
           [6., 9., 6.],
           [4., 6., 4.]])
    """
    n, height, width, _ = x_NHWC.shape
    kh, kw, cg, k = w.shape
    p, q = output_size(height, width, kh, kw, stride, pad)
    y = np.empty((n, p, q, k), x_NHWC.dtype) if out is None else out
    w_GUK = _by_group(np.ascontiguousarray(w), kh * kw * cg, groups)
    for part, columns in _unfolded(x_NHWC, kh, kw, stride, pad, groups):
        here = y[part]
        np.matmul(columns, w_GUK, out=_by_group(here, columns.shape[1], groups))
        if b_K is not None:
            here += b_K  # add the bias while the product is in the cache
    return y


def backward_weight(
    x_NHWC: Array, g_NPQK: Array, kh: int, kw: int, stride: Stride, pad: Pad, groups: int, out: Array | None = None
) -> Array:
    """The cotangent of the weight, (kh, kw, Cg, K)."""
    channels, k = x_NHWC.shape[3], g_NPQK.shape[3]
    shape = (kh, kw, channels // groups, k)
    dw = np.zeros(shape, x_NHWC.dtype) if out is None else out
    dw[...] = 0
    dw_GUK = _by_group(dw, kh * kw * shape[2], groups)
    g_NPQK = np.ascontiguousarray(g_NPQK)
    for part, columns in _unfolded(x_NHWC, kh, kw, stride, pad, groups):
        dw_GUK += np.matmul(columns.transpose(0, 2, 1), _by_group(g_NPQK[part], columns.shape[1], groups))
    return dw


def backward_input(
    g_NPQK: Array, w: Array, height: int, width: int, stride: Stride, pad: Pad, groups: int, out: Array | None = None
) -> Array:
    """The cotangent of the images, (N, height, width, C)."""
    kh, kw, cg, k = w.shape
    top, bottom, left, right = pad
    around = (kh - 1 - top, kh - 1 - bottom, kw - 1 - left, kw - 1 - right)
    if stride == (1, 1) and cg * groups >= k and min(around) >= 0:
        return forward(g_NPQK, _flipped(w, groups), None, stride, around, groups, out)
    return _fold_back(g_NPQK, w, height, width, stride, pad, groups, out)


def _flipped(w: Array, groups: int) -> Array:
    """The weight of the convolution that takes g to the cotangent of x: turned round, in and out exchanged."""
    kh, kw, cg, k = w.shape
    split = w[::-1, ::-1].reshape(kh, kw, cg, groups, k // groups)
    return np.ascontiguousarray(split.transpose(0, 1, 4, 3, 2)).reshape(kh, kw, k // groups, groups * cg)


def _fold_back(
    g_NPQK: Array, w: Array, height: int, width: int, stride: Stride, pad: Pad, groups: int, out: Array | None
) -> Array:
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
                reached = padded[:m, r : r + p * down : down, s : s + q * across : across]
                reached += here[r, s].reshape(m, p, q, channels)
        dx[start : start + m] = padded[:m, top : top + height, left : left + width]
    return dx
