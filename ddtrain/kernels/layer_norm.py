"""Layer normalisation, each row by its own mean and variance; and by its root mean square alone."""

# M rows, D features

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.channel_sums import channel_sums

Array = NDArray[Any]


def forward(
    x: Array, scale_D: Array, shift_D: Array, eps: float, out: Array | None = None
) -> tuple[Array, Array, Array]:
    """The normalised rows, scaled and shifted; then x_hat and 1/std (..., 1), which backward needs.

    >>> forward(np.array([[1.0, 3.0]]), np.ones(2), np.zeros(2), 0.0)[0]
    array([[-1.,  1.]])
    """
    size = max(1, x.shape[-1])
    x_hat = x - np.add.reduce(x, axis=-1, keepdims=True) / size
    variance = np.einsum("...d,...d->...", x_hat, x_hat)[..., None] / size
    inv_std = 1.0 / np.sqrt(variance + eps)
    x_hat *= inv_std
    y = np.multiply(x_hat, scale_D, out=out)
    y += shift_D
    return y, x_hat, inv_std


def backward_input(g: Array, x_hat: Array, inv_std: Array, scale_D: Array, out: Array | None = None) -> Array:
    """The cotangent of x: ``inv_std * (h - mean(h) - x_hat * mean(h * x_hat))`` with ``h = g * scale``."""
    size = max(1, x_hat.shape[-1])
    dx = np.multiply(g, scale_D, out=out)
    along = np.einsum("...d,...d->...", dx, x_hat)[..., None] / size
    dx -= np.add.reduce(dx, axis=-1, keepdims=True) / size
    dx -= x_hat * along
    dx *= inv_std
    return dx


def backward_scale(g: Array, x_hat: Array, out: Array | None = None) -> Array:
    """The cotangent of the scale: the sum of g * x_hat over rows."""
    return channel_sums(g * x_hat, out)


def backward_shift(g: Array, out: Array | None = None) -> Array:
    """The cotangent of the shift: the sum of g over rows."""
    return channel_sums(g, out)


def rms_forward(x: Array, scale_D: Array, eps: float, out: Array | None = None) -> tuple[Array, Array, Array]:
    """Rows divided by their root mean square, and scaled; then x_hat and 1/rms (..., 1), which backward needs.

    >>> rms_forward(np.array([[1.0, -1.0]]), np.array([1.0, 2.0]), 0.0)[0]
    array([[ 1., -2.]])
    """
    mean_square = np.einsum("...d,...d->...", x, x)[..., None] / max(1, x.shape[-1])
    inv_rms = 1.0 / np.sqrt(mean_square + eps)
    x_hat = x * inv_rms
    return np.multiply(x_hat, scale_D, out=out), x_hat, inv_rms


def rms_backward_input(g: Array, x_hat: Array, inv_rms: Array, scale_D: Array, out: Array | None = None) -> Array:
    """The cotangent of x: ``inv_rms * (h - x_hat * mean(h * x_hat))`` with ``h = g * scale``."""
    dx = np.multiply(g, scale_D, out=out)
    dx -= x_hat * (np.einsum("...d,...d->...", dx, x_hat)[..., None] / max(1, x_hat.shape[-1]))
    dx *= inv_rms
    return dx
