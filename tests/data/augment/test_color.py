"""Brightness, contrast, colours and noise: what is added, to what, and how much."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.data.augment import Brightness, ColorShift, Contrast, Draws, Noise

N = 400
X = np.random.default_rng(0).standard_normal((N, 4, 3, 2))
DRAWS = Draws(0, "test", 0, np.arange(N))


def spread(values, low, high):
    """Uniform between the two: the range is filled, and the mean is in its middle."""
    assert low <= values.min() < low + 0.05 * (high - low)
    assert high - 0.05 * (high - low) < values.max() <= high
    assert abs(values.mean() - (low + high) / 2) < 4 * (high - low) / np.sqrt(12 * values.size)


def test_brightness_is_one_number_an_image():
    added = Brightness(delta=0.5).images(X, DRAWS) - X
    np.testing.assert_allclose(added, np.broadcast_to(added[:, :1, :1, :1], X.shape), atol=1e-15)
    spread(added[:, 0, 0, 0], -0.5, 0.5)


def test_colors_are_one_number_a_channel():
    added = ColorShift(delta=0.5).images(X, DRAWS) - X
    np.testing.assert_allclose(added, np.broadcast_to(added[:, :1, :1], X.shape), atol=1e-15)
    spread(added[:, 0, 0, 0], -0.5, 0.5)
    assert abs(np.corrcoef(added[:, 0, 0].T)[0, 1]) < 0.2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_contrast_keeps_the_mean(dtype):
    x = (X + 5).astype(dtype)
    y = Contrast(factor=0.5).images(x, DRAWS)
    mean = x.mean((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(y.mean((1, 2, 3), keepdims=True), mean, rtol=8 * np.finfo(dtype).eps)
    factor = ((y - mean) * (x - mean)).sum((1, 2, 3)) / ((x - mean) ** 2).sum((1, 2, 3))
    np.testing.assert_allclose(y - mean, factor.reshape(-1, 1, 1, 1) * (x - mean), atol=20 * np.finfo(dtype).eps)
    spread(factor, 0.5, 1.5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_noise_is_normal_and_of_every_pixel(dtype):
    x = X.astype(dtype)
    y = Noise(std=0.1).images(x, DRAWS)
    assert y.dtype == dtype
    added = (y - x).ravel() / 0.1
    assert abs(added.mean()) < 4 / np.sqrt(added.size)
    assert abs(added.std() - 1) < 4 / np.sqrt(2 * added.size)
    assert abs((abs(added) < 1).mean() - 0.6827) < 4 * 0.47 / np.sqrt(added.size)
    assert len(np.unique(added.astype(np.float32))) > 0.9 * added.size
    np.testing.assert_array_equal(Noise(std=0.0).images(x, DRAWS), x)
