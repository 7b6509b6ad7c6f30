"""Batch-norm moments: exact where the textbook formula is not, and the same however the rows are divided."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.kernels import batch_norm

pytestmark = pytest.mark.usefixtures("each_implementation")


@pytest.mark.parametrize(
    "shape", [(1, 3), (2, 1), (7, 5), (65, 3), (1000, 3), (4096, 16), (3, 4, 5, 2), (2, 33, 33, 3)]
)
def test_moments_are_numpys(shape):
    x = np.random.default_rng(0).standard_normal(shape) * 3 + 2
    axes = tuple(range(x.ndim - 1))
    count, mean, m2 = batch_norm.unpacked(batch_norm.moments(x))
    assert count == np.prod(shape[:-1])
    np.testing.assert_allclose(mean, x.mean(axes), rtol=1e-13)
    np.testing.assert_allclose(m2, x.var(axes) * count, rtol=1e-12, atol=1e-28)


@pytest.mark.parametrize("shape", [(65536, 3), (64, 32, 32, 16)])
def test_float32_far_from_zero(shape):
    # At mean 1000, one float32 step is 6e-5: E[x²] - E[x]² gave 0.875 here. What is left is the rounding of x itself.
    x = (np.random.default_rng(0).standard_normal(shape) + 1000).astype(np.float32)
    exact = x.astype(np.float64).reshape(-1, shape[-1])
    count, mean, m2 = batch_norm.unpacked(batch_norm.moments(x))
    np.testing.assert_allclose(mean, exact.mean(0), rtol=1e-9)
    np.testing.assert_allclose(m2 / count, exact.var(0), rtol=1e-5)


def test_first_rows_that_are_unlike_the_rest():
    # a shift taken from the first rows would leave the cancellation in
    x = (np.random.default_rng(0).standard_normal((50_000, 2)) + 1000).astype(np.float32)
    x[:500] = 0
    exact = x.astype(np.float64)
    count, mean, m2 = batch_norm.unpacked(batch_norm.moments(x))
    np.testing.assert_allclose(mean, exact.mean(0), rtol=1e-7)
    np.testing.assert_allclose(m2 / count, exact.var(0), rtol=1e-5)


@pytest.mark.parametrize("value", [0.1, -1e20, 3.0])
def test_a_constant_channel_has_no_variance(value):
    x = np.full((1000, 3), value, np.float32)
    _, mean, m2 = batch_norm.unpacked(batch_norm.moments(x))
    np.testing.assert_allclose(mean, x[0], rtol=1e-7)
    assert np.all(m2 >= 0)
    assert np.all(m2 <= 1000 * (1e-7 * value) ** 2)


def merged(parts):
    """The moments of a union, by the kernel that merges them before it normalises."""
    channels = parts.shape[1] // 2
    return batch_norm.normalise(np.ones((1, channels)), parts, np.ones(channels), np.ones(channels), 1.0)[1]


@pytest.mark.parametrize("cuts", [[3], [0, 4, 4, 10], [1, 2, 3], [0, 0, 0], [10, 10]])
def test_merged_parts_are_the_whole(cuts):
    x = np.random.default_rng(0).standard_normal((10, 3)) + 1e6
    parts = np.array([batch_norm.moments(part) for part in np.split(x, cuts)])
    count, mean, m2 = batch_norm.unpacked(merged(parts))
    assert count == 10
    np.testing.assert_allclose(mean, x.mean(0), rtol=1e-15)
    np.testing.assert_allclose(m2, x.var(0) * 10, rtol=1e-8)  # x itself holds 1e-10 of its distance from 1e6


def test_nothing_merged_is_nothing():
    np.testing.assert_array_equal(merged(np.zeros((2, 7))), np.zeros(7))


def test_a_part_without_rows_counts_for_nothing_whatever_its_mean():
    parts = np.array([[0.0, np.nan, np.nan], [2.0, 5.0, 8.0]])
    np.testing.assert_array_equal(merged(parts)[0], 2)
    assert np.isnan(merged(np.array([[1.0, np.nan, 0.0], [2.0, 5.0, 8.0]]))[1:]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("share", [0.1, 1 / 3])
def test_running_statistics_take_a_share_of_an_unbiased_variance(dtype, share):
    mean, variance = np.array([2.0, 3.0], dtype), np.array([4.0, 5.0], dtype)
    before = mean.astype(np.float64), variance.astype(np.float64)
    found = batch_norm.running(np.array([5.0, 1.0, -1.0, 8.0, 12.0]), mean, variance, share)
    np.testing.assert_allclose(found[0], (1 - share) * before[0] + share * np.array([1.0, -1.0]), rtol=1e-15)
    np.testing.assert_allclose(found[1], (1 - share) * before[1] + share * np.array([2.0, 3.0]), rtol=1e-15)
    assert found[0].dtype == found[1].dtype == np.float64


def test_running_statistics_of_one_value_and_of_none():
    mean, variance = np.array([2.0]), np.array([4.0])
    assert batch_norm.running(np.array([1.0, 6.0, 0.0]), mean, variance, 0.5).tolist() == [[4.0], [4.0]]
    assert batch_norm.running(np.array([0.0, 0.0, 0.0]), mean, variance, 0.5).tolist() == [[2.0], [4.0]]


def test_backward_sums_against_the_formula():
    r = np.random.default_rng(0)
    g, x, mean, inv_std = r.standard_normal((6, 5, 4, 3)), r.standard_normal((6, 5, 4, 3)), r.random(3), r.random(3)
    moments = np.concatenate(([120.0], mean, 120 / inv_std**2))
    (sum_g, sum_gx), d_scale, d_shift = batch_norm.backward_sums(g, x, moments, inv_std)
    np.testing.assert_array_equal([d_shift, d_scale], [sum_g, sum_gx])
    np.testing.assert_allclose(sum_g, g.sum((0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(sum_gx, (g * (x - mean) * inv_std).sum((0, 1, 2)), rtol=1e-12)


def test_backward_sums_of_many_chunks_are_in_float64():
    # A chunk's sum is exact in float32: 2²⁴ of the first and 1 of each other; after 2²⁴ float32 adds 1 in vain.
    chunks, rows, channels = 8, batch_norm._CHUNK // 256, 256
    g = np.zeros((chunks * rows, channels), np.float32)
    g[0], g[rows::rows] = 2**24, 1
    moments = np.zeros(1 + 2 * channels)
    sums, _, _ = batch_norm.backward_sums(g, np.ones_like(g), moments, np.ones(channels))
    np.testing.assert_array_equal(sums, np.full((2, channels), 2**24 + chunks - 1))
