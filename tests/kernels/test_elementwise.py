"""Activations, softmax, dropout and the normal distribution, at the values where formulas break."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from ddtrain.kernels import activation, dropout, normal_distribution, softmax


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-13), (np.float32, 6e-6)])
def test_normal_cdf_is_right_relative_to_its_value(dtype, rtol):
    # the exponent -x²/2 is the result of four roundings: up to 4 * 72 * 1e-16 at x = -12, 4 * 18 * 6e-8 at x = -6
    x = np.linspace(-12 if dtype == np.float64 else -6, 9, 4001).astype(dtype)
    np.testing.assert_allclose(normal_distribution.normal_cdf(x), stats.norm.cdf(x.astype(float)), rtol=rtol)


def test_normal_cdf_in_float32_has_the_terms_that_float32_can_hold():
    # where the exponent -x²/2 is small, some six roundings of 6e-8 are all; a term of the series too few is 1e-6
    x = np.linspace(-1, 9, 4001, dtype=np.float32)
    np.testing.assert_allclose(normal_distribution.normal_cdf(x), stats.norm.cdf(x.astype(float)), rtol=6e-7)


def test_normal_cdf_at_the_ends():
    np.testing.assert_array_equal(normal_distribution.normal_cdf(np.array([-np.inf, np.inf])), [0, 1])
    assert np.isnan(normal_distribution.normal_cdf(np.array(np.nan)))


def test_normal_pdf():
    x = np.linspace(-10, 10, 101)
    np.testing.assert_allclose(normal_distribution.normal_pdf(x), stats.norm.pdf(x), rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_over_the_whole_range(dtype):
    x = np.concatenate(([-np.inf, -1e30, -100.0], np.linspace(-80, 80, 321), [1e30, np.inf])).astype(dtype)
    y = activation.sigmoid(x)
    np.testing.assert_allclose(y, special.expit(x), rtol=4 * np.finfo(dtype).eps, atol=np.finfo(dtype).tiny)


@pytest.mark.parametrize("f", [activation.relu, activation.sigmoid, activation.gelu, activation.gelu_tanh])
def test_nan_stays_nan(f):
    assert np.isnan(f(np.array([np.nan]))).all()


def test_relu_lets_a_derivative_through_to_nan():
    y = activation.relu(np.array([np.nan, -1.0, -0.0, 0.0, 2.0, np.inf]))
    np.testing.assert_array_equal(activation.relu_backward(np.full(6, 3.0), y), [3, 0, 0, 0, 3, 3])


def test_relu_blocks_an_infinite_input_without_nan():
    np.testing.assert_array_equal(activation.relu(np.array([-np.inf, np.inf])), [0, np.inf])


def test_gelu_against_scipy_and_its_approximation():
    x = np.linspace(-6, 6, 201)
    exact = x * stats.norm.cdf(x)
    np.testing.assert_allclose(activation.gelu(x), exact, rtol=1e-13)
    assert 1e-5 < np.abs(activation.gelu_tanh(x) - exact).max() < 5e-4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("offset", [0.0, 1e4, -1e4, 1e30])
def test_softmax_of_large_scores(dtype, offset):
    x = np.array([[0.0, 1.0, -3.0], [5.0, 5.0, 5.0]], dtype) + dtype(offset)
    assert x.dtype == dtype
    expected = special.softmax(x.astype(float), axis=1)
    np.testing.assert_allclose(softmax.softmax(x), expected, rtol=1e-6)
    np.testing.assert_allclose(softmax.log_softmax(x), special.log_softmax(x.astype(float), axis=1), rtol=1e-6)


def test_a_score_of_minus_infinity_has_no_probability():
    np.testing.assert_array_equal(softmax.softmax(np.array([0.0, -np.inf])), [1, 0])


def test_cross_entropy_of_an_impossible_label_is_finite_as_long_as_the_scores_are():
    losses, _ = softmax.cross_entropy(np.array([[0.0, 1e4]]), np.array([0]))
    np.testing.assert_array_equal(losses, [1e4])


@pytest.mark.parametrize(("rate", "expected"), [(0.0, [1, 1, 1]), (0.5, [0, 2, 2]), (1.0, [0, 0, 0])])
def test_dropout_at_the_ends_of_its_rate(rate, expected):
    kept = dropout.keep(np.array([0.0, 0.5, 0.99], np.float32), rate, np.dtype(np.float32))
    assert kept.dtype == np.float32
    np.testing.assert_array_equal(kept, expected)


def test_float32_and_float64_drop_the_same_units():
    # 24-bit draws, and rates that float32 rounds up and down
    draws = (np.arange(1 << 24, dtype=np.float32) / (1 << 24))[:: 1 << 3]
    for rate in (0.1, 0.3, 0.5, 0.7, draws[-5]):
        near = np.concatenate([draws, np.nextafter(np.float32(rate), [0, 1]), [np.float32(rate)]]).astype(np.float32)
        narrow = dropout.keep(near, float(rate), np.dtype(np.float32))
        wide = dropout.keep(near.astype(float), float(rate), np.dtype(float))
        np.testing.assert_array_equal(narrow > 0, wide > 0)


def test_dropout_keeps_the_mean():
    # 200,000 draws at rate 0.3: the mean of kept has standard deviation sqrt(0.3 / 0.7 / 200000) = 0.0015; 5 of them
    kept = dropout.keep(np.random.default_rng(0).random(200_000), 0.3, np.dtype(float))
    assert abs(kept.mean() - 1) < 0.0075
