"""Pooling against loops over windows."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.kernels import pool

pytestmark = pytest.mark.usefixtures("each_implementation")

# (N, H, W, C), window, stride, pad
GEOMETRIES = [
    ((2, 4, 6, 3), (2, 2), (2, 2), (0, 0, 0, 0)),
    ((2, 5, 5, 2), (2, 2), (2, 2), (0, 0, 0, 0)),  # a row and a column left over
    ((1, 7, 6, 2), (3, 2), (2, 1), (1, 1, 0, 0)),  # windows that overlap
    ((1, 6, 6, 1), (3, 3), (1, 1), (1, 1, 1, 1)),
    ((2, 6, 6, 2), (2, 3), (2, 2), (0, 0, 0, 0)),  # that overlap across alone
    ((2, 6, 6, 2), (3, 2), (2, 2), (0, 0, 0, 0)),  # and down alone
    ((1, 7, 7, 2), (2, 2), (3, 3), (0, 0, 0, 0)),  # windows with gaps between
    ((1, 17, 17, 1), (17, 17), (1, 1), (0, 0, 0, 0)),  # more positions than a byte counts
]
every_geometry = pytest.mark.parametrize(("shape", "window", "stride", "pad"), GEOMETRIES)


def windows(x, window, stride, pad, fill):
    """Every window of ``x``: its indices (n, p, q, c) and its entries, padded with ``fill``."""
    padded = np.pad(x, ((0, 0), pad[:2], pad[2:], (0, 0)), constant_values=fill)
    p = (padded.shape[1] - window[0]) // stride[0] + 1
    q = (padded.shape[2] - window[1]) // stride[1] + 1
    for n, i, j, c in np.ndindex(len(x), p, q, x.shape[3]):
        top, left = i * stride[0], j * stride[1]
        yield (n, i, j, c), padded[n, top : top + window[0], left : left + window[1], c], (top - pad[0], left - pad[2])


@every_geometry
def test_max_and_its_winner(shape, window, stride, pad):
    x = np.random.default_rng(0).permutation(np.prod(shape)).reshape(shape).astype(float)
    y, position = pool.max_forward(x, *window, stride, pad)
    g = np.random.default_rng(1).standard_normal(y.shape)
    expected = np.zeros(shape)
    for at, entries, (top, left) in windows(x, window, stride, pad, -np.inf):
        assert y[at] == entries.max()
        r, s = np.unravel_index(entries.argmax(), entries.shape)
        expected[at[0], top + r, left + s, at[3]] += g[at]
    dx = pool.max_backward(g, position, shape[1], shape[2], *window, stride, pad)
    np.testing.assert_allclose(dx, expected, rtol=1e-13, atol=1e-14)


@every_geometry
def test_average_and_its_transpose(shape, window, stride, pad):
    r = np.random.default_rng(0)
    x, other = r.standard_normal(shape), r.standard_normal(shape)
    y = pool.average_forward(x, *window, stride, pad)
    for at, entries, _ in windows(x, window, stride, pad, 0.0):
        np.testing.assert_allclose(y[at], entries.mean(), rtol=1e-12, atol=1e-14)
    g = r.standard_normal(y.shape)
    dx = pool.average_backward(g, shape[1], shape[2], *window, stride, pad)
    np.testing.assert_allclose(np.sum(dx * other), np.sum(g * pool.average_forward(other, *window, stride, pad)))


def test_the_first_of_equals_wins():
    y, position = pool.max_forward(np.zeros((1, 2, 2, 1)), 2, 2, (2, 2), (0, 0, 0, 0))
    assert position.item() == 0
    dx = pool.max_backward(np.ones_like(y), position, 2, 2, 2, 2, (2, 2), (0, 0, 0, 0))
    np.testing.assert_array_equal(dx[0, :, :, 0], [[1, 0], [0, 0]])


@pytest.mark.parametrize(("window", "winner"), [([0, 0, np.nan, 0], 2), ([np.nan, np.inf, np.nan, 9], 2)])
def test_nan_wins_and_the_last_of_several(window, winner):
    # as in PyTorch, whose max_pool2d gives the whole derivative to the last NaN
    y, position = pool.max_forward(np.array(window).reshape(1, 2, 2, 1), 2, 2, (2, 2), (0, 0, 0, 0))
    assert np.isnan(y).all()
    assert position.item() == winner


def test_padding_never_wins():
    y, _ = pool.max_forward(np.full((1, 2, 2, 1), -5.0), 2, 2, (2, 2), (1, 1, 1, 1))
    np.testing.assert_array_equal(y, np.full((1, 2, 2, 1), -5.0))
