"""Layer normalisation against its formula, and its way back against finite differences."""

import numpy as np
import pytest

from ddtrain.kernels import layer_norm

pytestmark = pytest.mark.usefixtures("each_implementation")


def test_forward_is_the_formula():
    r = np.random.default_rng(0)
    x, scale, shift = r.standard_normal((4, 2, 7)) + 5, r.standard_normal(7), r.standard_normal(7)
    expected = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 0.1) * scale + shift
    y, mean, inv_std = layer_norm.forward(x, scale, shift, 0.1)
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    np.testing.assert_allclose(mean, x.mean(-1, keepdims=True), rtol=1e-15)
    np.testing.assert_allclose(inv_std, 1 / np.sqrt(x.var(-1, keepdims=True) + 0.1), rtol=1e-14)
    y, inv_rms = layer_norm.rms_forward(x, scale, 0.1)
    np.testing.assert_allclose(inv_rms, 1 / np.sqrt((x * x).mean(-1, keepdims=True) + 0.1), rtol=1e-14)
    np.testing.assert_allclose(y, x * inv_rms * scale, rtol=1e-14)


@pytest.mark.parametrize("features", [1, 3, 8, 37])
def test_backward_is_the_derivative(features):
    r = np.random.default_rng(0)
    x, g, v = (r.standard_normal((5, features)) for _ in range(3))
    (scale, shift), (dv, ds) = r.standard_normal((2, features)), r.standard_normal((2, features))
    _, mean, inv_std = layer_norm.forward(x, scale, shift, 0.1)
    dx, d_scale, d_shift = layer_norm.backward(g, x, mean, inv_std, scale)
    h = 1e-5
    ends = [layer_norm.forward(x + t * v, scale + t * dv, shift + t * ds, 0.1)[0] for t in (h, -h)]
    slope = np.sum(g * (ends[0] - ends[1])) / (2 * h)
    np.testing.assert_allclose(np.sum(dx * v) + d_scale @ dv + d_shift @ ds, slope, rtol=1e-6)
    _, inv_rms = layer_norm.rms_forward(x, scale, 0.1)
    dx, d_scale = layer_norm.rms_backward(g, x, inv_rms, scale)
    ends = [layer_norm.rms_forward(x + t * v, scale + t * dv, 0.1)[0] for t in (h, -h)]
    slope = np.sum(g * (ends[0] - ends[1])) / (2 * h)
    np.testing.assert_allclose(np.sum(dx * v) + d_scale @ dv, slope, rtol=1e-6)


def test_float32_far_from_zero_and_rows_that_are_not_finite():
    x = (np.random.default_rng(0).standard_normal((3, 100)) + 1000).astype(np.float32)
    ones, zeros = np.ones(100, np.float32), np.zeros(100, np.float32)
    exact = layer_norm.forward.reference(x.astype(np.float64), ones, zeros, 0.0)[0]
    np.testing.assert_allclose(layer_norm.forward(x, ones, zeros, 0.0)[0], exact, atol=2e-4)  # ulps of 1000 over 1
    x[1, 4], x[2, 99] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        y, mean, inv_std = layer_norm.forward(x, ones, zeros, 0.0)
        dx, d_scale, d_shift = layer_norm.backward(ones + zeros * x[:, :1], x, mean, inv_std, ones)
    assert np.isfinite(y[0]).all()
    assert np.isfinite(dx[0]).all()
    assert np.isnan(y[1:]).all()
    assert np.isnan(dx[1:]).all()
    assert np.isnan(d_scale).all()
    np.testing.assert_array_equal(d_shift, 3)


def test_sums_over_many_rows_are_in_float64_where_they_are_compiled(each_implementation):
    if layer_norm.backward.twin is None:
        pytest.skip("the reference adds them up in the data's precision")
    g = np.zeros((128 * 8, 3), np.float32)
    g[0], g[128::128] = 2**24, 1
    x, mean, inv = np.ones_like(g), np.zeros((len(g), 1), np.float32), np.ones((len(g), 1), np.float32)
    _, d_scale, d_shift = layer_norm.backward(g, x, mean, inv, np.ones(3, np.float32))
    exact = np.float32(2**24 + 7)  # after 2**24, float32 adds 1 in vain
    np.testing.assert_array_equal([d_scale, d_shift], np.full((2, 3), exact))
