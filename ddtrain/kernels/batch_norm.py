"""Batch normalisation: moments that merge, the normalisation, and its backward pass in two halves.

Note [Batch-norm moments]
The variance as E[x²] - E[x]² loses everything when the mean is large: at mean 1000 in float32 it gave 0.875 for
1.000. Here every chunk of rows that fits in cache has its own mean and its own sum of squared deviations from that
mean, and (count, mean, M2) are merged in float64 as Chan, Golub and LeVeque (1983) do: exactly what ranks do with
theirs, so a shard with no rows takes part with count 0.

Moments are one vector of 1 + 2 C float64, as ranks send it: the count, the means, and M2, the sums of squared
deviations from them.
"""

# R rows, W columns of them, several a channel (see channel_sums.py), C channels, M = 1 + 2 C, B parts to be merged

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.channel_sums import wide_rows
from ddtrain.kernels.seam import accelerated
from ddtrain.kernels.workspace import scratch

Array = NDArray[Any]
_CHUNK = 1 << 15  # entries in a chunk: 128 KiB of float32, so that all passes over it find it in the cache


@accelerated
def moments(x: Array) -> Array:
    """Count, means and M2 (1 + 2 C,), the sums of squared deviations, over all axes but the last, in float64.

    >>> moments(np.array([[1.0], [3.0]]))
    array([2., 2., 2.])
    """
    channels, count = x.shape[-1], math.prod(x.shape[:-1])
    if x.size == 0:
        return _packed(count, np.zeros(channels), np.zeros(channels))
    x_RW = wide_rows(x)
    rows, width = x_RW.shape
    step = max(1, _CHUNK // width)
    starts = range(0, rows, step)
    means, m2s = np.empty((len(starts), width)), np.empty((len(starts), width))
    for b, start in enumerate(starts):
        _chunk_moments(x_RW[start : start + step], means[b], m2s[b])
    if means.size == channels:
        return _packed(count, means[0], m2s[0])
    counts = np.repeat([min(step, rows - start) for start in starts], width // channels)
    parts = [counts[:, None], means.reshape(-1, channels), m2s.reshape(-1, channels)]
    return merge(np.concatenate(parts, axis=1))


def _packed(count: int, mean_C: Array, m2_C: Array) -> Array:
    return np.concatenate(([float(count)], mean_C, m2_C))


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


def merge(parts_BM: Array) -> Array:
    """The moments of a union, from those of its parts.

    Deviations of the parts' means are taken from the first part that has rows, which keeps them small.

    References
    ----------
    T. Chan, G. Golub, R. LeVeque, "Algorithms for computing the sample variance", 1983.

    >>> merge(np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 3.0, 0.0]]))
    array([2., 2., 2.])
    """
    counts_B, means_BC, m2s_BC = unpacked(parts_BM)
    count = counts_B.sum()
    if count == 0:
        return np.zeros(parts_BM.shape[1])
    weights_B1 = (counts_B / count)[:, None]
    origin_C = means_BC[int(np.argmax(counts_B > 0))]
    apart_BC = (means_BC - origin_C) * (weights_B1 > 0)
    shift_C = np.add.reduce(weights_B1 * apart_BC, axis=0)
    between_C = np.add.reduce(weights_B1 * (apart_BC - shift_C) ** 2, axis=0)
    return _packed(count, origin_C + shift_C, np.add.reduce(m2s_BC, axis=0) + count * between_C)


def unpacked(moments_M: Array) -> tuple[Any, Array, Array]:
    """Count, means (C,) and M2 (C,), as views.

    >>> unpacked(np.array([2.0, 5.0, 8.0]))
    (array(2.), array([5.]), array([8.]))
    """
    channels = moments_M.shape[-1] // 2
    return moments_M[..., 0], moments_M[..., 1 : 1 + channels], moments_M[..., 1 + channels :]


@accelerated
def running(moments_M: Array, mean_C: Array, variance_C: Array, share: float) -> Array:
    """Running mean and variance, (2, C), with a share of the batch's, in float64: ``(1 - share) * old + share * new``.

    The variance is the unbiased one, divided by count - 1. One value has none and leaves the running one as it is; no
    value leaves both.

    >>> running(np.array([2.0, 5.0, 8.0]), np.zeros(1), np.ones(1), 0.5)
    array([[2.5],
           [4.5]])
    """
    count, new_mean_C, m2_C = unpacked(moments_M)
    running_2C = np.array([mean_C, variance_C], np.float64)
    if count > 0:
        running_2C[0] = (1 - share) * running_2C[0] + share * new_mean_C
    if count > 1:
        running_2C[1] = (1 - share) * running_2C[1] + share * (m2_C / (count - 1))
    return running_2C


@accelerated
def normalise(
    x: Array, parts_BM: Array, scale_C: Array, shift_C: Array, eps: float, out: Array | None = None
) -> tuple[Array, Array, Array]:
    """``(x - mean) * inv_std * scale + shift``, with the moments of the union of some parts, which are merged first.

    Returns
    -------
    As x; then the moments (M,), and ``inv_std = 1 / sqrt(M2 / count + eps)`` (C,), in float64.

    >>> y, _, inv_std = normalise(np.array([[1.0], [3.0]]), np.array([[2.0, 2.0, 2.0]]), np.ones(1), np.zeros(1), 0.0)
    >>> y[:, 0], inv_std
    (array([-1.,  1.]), array([1.]))
    """
    y = np.empty(x.shape, x.dtype) if out is None else out
    moments_M = merge(parts_BM) if len(parts_BM) > 1 else parts_BM[0]
    count, mean_C, m2_C = unpacked(moments_M)
    inv_std_C = 1.0 / np.sqrt(m2_C / max(1, count) + eps)
    x_RW, y_RW = wide_rows(x), wide_rows(y)
    repeat = x_RW.shape[1] // max(1, x.shape[-1])
    mean_W, factor_W, shift_W = (_tiled(v, repeat, x.dtype) for v in (mean_C, scale_C * inv_std_C, shift_C))
    step = max(1, _CHUNK // max(1, x_RW.shape[1]))
    for start in range(0, len(x_RW), step):
        chunk = np.subtract(x_RW[start : start + step], mean_W, out=y_RW[start : start + step])
        chunk *= factor_W
        chunk += shift_W
    return y, moments_M, inv_std_C


@accelerated
def backward_sums(g: Array, x: Array, moments_M: Array, inv_std_C: Array) -> tuple[Array, Array, Array]:
    """This rank's sums of g and of g * x_hat.

    Returns
    -------
    (2, C) both sums in float64, for :func:`backward_input`; then the cotangents of the scale, the sum of g * x_hat,
    and of the shift, the sum of g, in x's dtype.
    """
    channels = x.shape[-1]
    g_RW, x_RW = wide_rows(g), wide_rows(x)
    repeat = x_RW.shape[1] // max(1, channels)
    mean_W = _tiled(unpacked(moments_M)[1], repeat, x.dtype)
    step = max(1, _CHUNK // max(1, x_RW.shape[1]))
    sum_g, sum_gd = np.zeros(x_RW.shape[1]), np.zeros(x_RW.shape[1])
    for start in range(0, len(x_RW), step):
        g_part = g_RW[start : start + step]
        sum_g += np.add.reduce(g_part, axis=0)
        sum_gd += np.einsum("rw,rw->w", g_part, x_RW[start : start + step] - mean_W)
    by_channel = (repeat, channels)
    sums_2C = np.stack((sum_g.reshape(by_channel).sum(0), sum_gd.reshape(by_channel).sum(0) * inv_std_C))
    return sums_2C, sums_2C[1].astype(x.dtype), sums_2C[0].astype(x.dtype)


@accelerated
def backward_input(
    g: Array, x: Array, moments_M: Array, inv_std_C: Array, scale_C: Array, sums_2C: Array, out: Array | None = None
) -> Array:
    """The cotangent of x: ``scale * inv_std * (g - mean_g - x_hat * mean_gx)``.

    ``mean_g`` and ``mean_gx`` are the sums of :func:`backward_sums` over all ranks, divided by the count of all.
    """
    dx = np.empty(x.shape, x.dtype) if out is None else out
    count, mean_C, _ = unpacked(moments_M)
    mean_g_C, mean_gx_C = sums_2C / max(1, count)
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
