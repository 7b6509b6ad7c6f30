"""Activations at the values where formulas break."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from ddtrain.kernels import activation


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
