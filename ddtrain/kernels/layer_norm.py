"""Normalisation of samples by themselves: of rows (layer norm), by their root mean square alone, and by groups.

Forward hands on a mean and a deviation a row, not the normalised rows: backward computes these again while it has the
rows in the cache, which costs less than to write and to read them.
"""

# M rows, D features; N batch, P positions, G groups of D channels each, C = G * D channels

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.channel_sums import channel_sums
from ddtrain.kernels.seam import accelerated

Array = NDArray[Any]


@accelerated
def forward(
    x: Array, scale_D: Array, shift_D: Array, eps: float, out: Array | None = None
) -> tuple[Array, Array, Array]:
    """The normalised rows, scaled and shifted; then each row's mean and 1/std (..., 1), which backward needs.

    >>> forward(np.array([[1.0, 3.0]]), np.ones(2), np.zeros(2), 0.0)
    (array([[-1.,  1.]]), array([[2.]]), array([[1.]]))
    """
    size = max(1, x.shape[-1])
    mean: Array = np.add.reduce(x, axis=-1, keepdims=True) / size
    x_hat = x - mean
    variance = np.einsum("...d,...d->...", x_hat, x_hat)[..., None] / size
    inv_std = 1.0 / np.sqrt(variance + eps)
    x_hat *= inv_std
    y = np.multiply(x_hat, scale_D, out=out)
    y += shift_D
    return y, mean, inv_std


@accelerated
def backward(
    g: Array, x: Array, mean: Array, inv_std: Array, scale_D: Array, out: Array | None = None
) -> tuple[Array, Array, Array]:
    """The cotangents of x, of the scale and of the shift.

    That of x is ``inv_std * (h - mean(h) - x_hat * mean(h * x_hat))`` with ``h = g * scale``; the others are sums over
    rows, of ``g * x_hat`` and of g.
    """
    size = max(1, x.shape[-1])
    x_hat = (x - mean) * inv_std
    dx = np.multiply(g, scale_D, out=out)
    along = np.einsum("...d,...d->...", dx, x_hat)[..., None] / size
    dx -= np.add.reduce(dx, axis=-1, keepdims=True) / size
    dx -= x_hat * along
    dx *= inv_std
    return dx, channel_sums(g * x_hat), channel_sums(g)


@accelerated
def rms_forward(x: Array, scale_D: Array, eps: float, out: Array | None = None) -> tuple[Array, Array]:
    """Rows divided by their root mean square, and scaled; then 1/rms (..., 1), which backward needs.

    >>> rms_forward(np.array([[1.0, -1.0]]), np.array([1.0, 2.0]), 0.0)
    (array([[ 1., -2.]]), array([[1.]]))
    """
    mean_square = np.einsum("...d,...d->...", x, x)[..., None] / max(1, x.shape[-1])
    inv_rms = 1.0 / np.sqrt(mean_square + eps)
    return np.multiply(x * inv_rms, scale_D, out=out), inv_rms


@accelerated
def rms_backward(g: Array, x: Array, inv_rms: Array, scale_D: Array, out: Array | None = None) -> tuple[Array, Array]:
    """The cotangents of x, ``inv_rms * (h - x_hat * mean(h * x_hat))`` with ``h = g * scale``, and of the scale."""
    x_hat = x * inv_rms
    dx = np.multiply(g, scale_D, out=out)
    dx -= x_hat * (np.einsum("...d,...d->...", dx, x_hat)[..., None] / max(1, x_hat.shape[-1]))
    dx *= inv_rms
    return dx, channel_sums(g * x_hat)


def _by_group(x: Array, groups: int) -> Array:
    return x.reshape(len(x), math.prod(x.shape[1:-1]), groups, x.shape[-1] // groups)


def _mean(x_NPGD: Array) -> Array:
    size = max(1, x_NPGD.shape[1] * x_NPGD.shape[3])
    mean: Array = np.add.reduce(x_NPGD, axis=(1, 3), keepdims=True) / size
    return mean


@accelerated
def group_forward(
    x: Array, scale_C: Array, shift_C: Array, groups: int, eps: float, out: Array | None = None
) -> tuple[Array, Array, Array]:
    """Samples, each group of their neighbouring channels normalised over all positions, then scaled and shifted.

    Behind it come each group's mean and 1/std (N, G), which backward needs.

    >>> group_forward(np.array([[1.0, 3.0, 2.0, 6.0]]), np.ones(4), np.zeros(4), 2, 0.0)
    (array([[-1.,  1., -1.,  1.]]), array([[2., 4.]]), array([[1. , 0.5]]))
    """
    by_group = _by_group(x, groups)
    mean = _mean(by_group)
    deviation = by_group - mean
    inv_std = 1.0 / np.sqrt(_mean(deviation * deviation) + eps)
    deviation *= inv_std
    y = np.multiply(deviation.reshape(x.shape), scale_C, out=out)
    y += shift_C
    return y, mean[:, 0, :, 0], inv_std[:, 0, :, 0]


@accelerated
def group_backward(
    g: Array, x: Array, mean_NG: Array, inv_std_NG: Array, scale_C: Array, out: Array | None = None
) -> tuple[Array, Array, Array]:
    """The cotangents of x, of the scale and of the shift.

    That of x is ``inv_std * (h - mean(h) - x_hat * mean(h * x_hat))`` with ``h = g * scale``, each mean over a group;
    the others are sums over samples and positions, of ``g * x_hat`` and of g.
    """
    groups = mean_NG.shape[1]
    inv_std = inv_std_NG[:, None, :, None]
    x_hat = (_by_group(x, groups) - mean_NG[:, None, :, None]) * inv_std
    h = _by_group(g * scale_C, groups)
    found = inv_std * (h - _mean(h) - x_hat * _mean(h * x_hat))
    dx = np.empty(x.shape, x.dtype) if out is None else out
    dx[...] = found.reshape(x.shape)
    return dx, channel_sums(g * x_hat.reshape(x.shape)), channel_sums(g)
