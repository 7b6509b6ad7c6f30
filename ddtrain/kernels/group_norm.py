"""Group normalisation: each sample by the moments of its groups of neighbouring channels, over all positions."""

# N batch, P positions, G groups, D channels of a group, C = G * D channels

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.channel_sums import channel_sums
from ddtrain.kernels.seam import accelerated

Array = NDArray[Any]


def _by_group(x: Array, groups: int) -> Array:
    return x.reshape(len(x), math.prod(x.shape[1:-1]), groups, x.shape[-1] // groups)


def _mean(x_NPGD: Array) -> Array:
    size = max(1, x_NPGD.shape[1] * x_NPGD.shape[3])
    mean: Array = np.add.reduce(x_NPGD, axis=(1, 3), keepdims=True) / size
    return mean


@accelerated
def forward(
    x: Array, scale_C: Array, shift_C: Array, groups: int, eps: float, out: Array | None = None
) -> tuple[Array, Array, Array]:
    """The normalised samples, scaled and shifted; then each group's mean and 1/std (N, G), which backward needs.

    >>> forward(np.array([[1.0, 3.0, 2.0, 6.0]]), np.ones(4), np.zeros(4), 2, 0.0)
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
def backward(
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
