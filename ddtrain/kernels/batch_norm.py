"""Batch normalisation: moments that merge, the normalisation, and its backward pass in two halves.

Note [Batch-norm moments]
The variance as E[x²] - E[x]² loses everything when the mean is large: at mean 1000 in float32 it gave 0.875 for
1.000. Here every chunk of rows that fits in cache has its own mean and its own sum of squared deviations from that
mean, and (count, mean, M2) are merged in float64 as Chan, Golub and LeVeque (1983) do: exactly what ranks do with
theirs, so a shard with no rows takes part with count 0.
"""

# R rows, W columns of them, several a channel (see channel_sums.py), C channels, B blocks to be merged

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.channel_sums import wide_rows
from ddtrain.kernels.workspace import scratch

Array = NDArray[Any]
_CHUNK = 1 << 15  # entries in a chunk: 128 KiB of float32, so that all passes over it find it in the cache


def moments(x: Array) -> tuple[int, Array, Array]:
    """Count, mean (C,) and M2 (C,), the sum of squared deviations, over all axes but the last, in float64.

    >>> count, mean, m2 = moments(np.array([[1.0], [3.0]]))
    >>> count, float(mean[0]), float(m2[0])
    (2, 2.0, 2.0)
    """
    channels, count = x.shape[-1], math.prod(x.shape[:-1])
    if x.size == 0:
        return count, np.zeros(channels), np.zeros(channels)
    x_RW = wide_rows(x)
    rows, width = x_RW.shape
    step = max(1, _CHUNK // width)
    starts = range(0, rows, step)
    means, m2s = np.empty((len(starts), width)), np.empty((len(starts), width))
    for b, start in enumerate(starts):
        _chunk_moments(x_RW[start : start + step], means[b], m2s[b])
    if means.size == channels:
        return count, means[0], m2s[0]
    counts = np.repeat([min(step, rows - start) for start in starts], width // channels)
    return merge(counts, means.reshape(-1, channels), m2s.reshape(-1, channels))


def _chunk_moments(chunk_RW: Array, mean_W: Array, m2_W: Array) -> None:
    n = len(chunk_RW)
    about_W = np.add.reduce(chunk_RW, axis=0) / n
    deviation = np.subtract(chunk_RW, about_W, out=scratch("norm.deviation", chunk_RW.shape, chunk_RW.dtype))
    rest_W = np.add.reduce(deviation, axis=0) / n  # correction for the rounding error of the first mean
    np.add(about_W, rest_W, out=mean_W, dtype=np.float64)
    np.multiply(deviation, deviation, out=deviation)
    np.multiply(rest_W, rest_W, out=m2_W, dtype=np.float64)
    m2_W *= -n
    m2_W += np.add.reduce(deviation, axis=0)
    np.maximum(m2_W, 0.0, out=m2_W)


def merge(counts_B: Array, means_BC: Array, m2s_BC: Array) -> tuple[int, Array, Array]:
    """The moments of a union, from those of its parts.

    Deviations of the parts' means are taken from the first part that has rows, which keeps them small.

    References
    ----------
    T. Chan, G. Golub, R. LeVeque, "Algorithms for computing the sample variance", 1983.

    >>> count, mean, m2 = merge(np.array([1, 0, 1]), np.array([[1.0], [0.0], [3.0]]), np.zeros((3, 1)))
    >>> count, float(mean[0]), float(m2[0])
    (2, 2.0, 2.0)
    """
    count = int(counts_B.sum())
    if count == 0:
        return 0, np.zeros(means_BC.shape[1]), np.zeros(means_BC.shape[1])
    weights_B1 = (np.asarray(counts_B, np.float64) / count)[:, None]
    origin_C = means_BC[int(np.argmax(np.asarray(counts_B) > 0))]
    apart_BC = (means_BC - origin_C) * (weights_B1 > 0)
    shift_C = np.add.reduce(weights_B1 * apart_BC, axis=0)
    between_C = np.add.reduce(weights_B1 * (apart_BC - shift_C) ** 2, axis=0)
    return count, origin_C + shift_C, np.add.reduce(m2s_BC, axis=0) + count * between_C


def normalise(
    x: Array, mean_C: Array, inv_std_C: Array, scale_C: Array, shift_C: Array, out: Array | None = None
) -> Array:
    """``(x - mean) * inv_std * scale + shift``, in x's dtype."""
    y = np.empty(x.shape, x.dtype) if out is None else out
    x_RW, y_RW = wide_rows(x), wide_rows(y)
    repeat = x_RW.shape[1] // max(1, x.shape[-1])
    mean_W, factor_W, shift_W = (_tiled(v, repeat, x.dtype) for v in (mean_C, scale_C * inv_std_C, shift_C))
    step = max(1, _CHUNK // max(1, x_RW.shape[1]))
    for start in range(0, len(x_RW), step):
        chunk = np.subtract(x_RW[start : start + step], mean_W, out=y_RW[start : start + step])
        chunk *= factor_W
        chunk += shift_W
    return y


def backward_sums(g: Array, x: Array, mean_C: Array, inv_std_C: Array) -> tuple[Array, Array]:
    """This rank's (C,) sums of g, the cotangent of the shift, and of g * x_hat, that of the scale, in float64."""
    channels = x.shape[-1]
    g_RW, x_RW = wide_rows(g), wide_rows(x)
    repeat = x_RW.shape[1] // max(1, channels)
    mean_W = _tiled(mean_C, repeat, x.dtype)
    step = max(1, _CHUNK // max(1, x_RW.shape[1]))
    sum_g, sum_gd = np.zeros(x_RW.shape[1]), np.zeros(x_RW.shape[1])
    for start in range(0, len(x_RW), step):
        g_part = g_RW[start : start + step]
        sum_g += np.add.reduce(g_part, axis=0)
        sum_gd += np.einsum("rw,rw->w", g_part, x_RW[start : start + step] - mean_W)
    by_channel = (repeat, channels)
    return sum_g.reshape(by_channel).sum(0), sum_gd.reshape(by_channel).sum(0) * inv_std_C


def backward_input(
    g: Array, x: Array, mean_C: Array, inv_std_C: Array, scale_C: Array, mean_g_C: Array, mean_gx_C: Array,
    out: Array | None = None,
) -> Array:  # fmt: skip
    """The cotangent of x: ``scale * inv_std * (g - mean_g - x_hat * mean_gx)``.

    ``mean_g`` and ``mean_gx`` are the sums of :func:`backward_sums` over all ranks, divided by the global count.
    """
    dx = np.empty(x.shape, x.dtype) if out is None else out
    g_RW, x_RW, dx_RW = wide_rows(g), wide_rows(x), wide_rows(dx)
    repeat = x_RW.shape[1] // max(1, x.shape[-1])
    slope_C = -inv_std_C * mean_gx_C
    mean_W, slope_W, mean_g_W, factor_W = (
        _tiled(v, repeat, x.dtype) for v in (mean_C, slope_C, mean_g_C, scale_C * inv_std_C)
    )
    step = max(1, _CHUNK // max(1, x_RW.shape[1]))
    for start in range(0, len(x_RW), step):
        part = slice(start, start + step)
        chunk = np.subtract(x_RW[part], mean_W, out=dx_RW[part])
        chunk *= slope_W
        chunk += g_RW[part]
        chunk -= mean_g_W
        chunk *= factor_W
    return dx


def _tiled(v_C: Array, repeat: int, dtype: np.dtype[Any]) -> Array:
    v_C = v_C.astype(dtype, copy=False)
    return v_C if repeat == 1 else np.tile(v_C, repeat)
