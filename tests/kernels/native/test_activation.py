"""Compiled activations entry by entry, where the check against their references looks at the largest entry only."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from ddtrain.kernels import activation, native, normal_distribution
from ddtrain.kernels.native.families import activation as twins

pytestmark = pytest.mark.skipif(bool(native.lost()), reason="no compiled kernels here")
# the exact value in float64, and the ulp of float32 that are allowed for x > -0.65 and further left
EXACT = {
    "sigmoid": (activation.sigmoid, (), special.expit, 2, 2),
    "silu": (activation.silu, (), lambda x: x * special.expit(x), 3, 3),
    "gelu": (activation.gelu, (), lambda x: x * special.ndtr(x), 3, 7),
    "elu": (activation.elu, (0.5, 1.0), lambda x: np.where(x > 0, x, 0.5 * np.expm1(np.minimum(x, 0))), 2, 2),
    "softplus": (activation.softplus, (1.0,), lambda x: np.logaddexp(x, 0), 2, 2),
    "normal_cdf": (normal_distribution.normal_cdf, (), special.ndtr, 2, 7),
    "normal_pdf": (normal_distribution.normal_pdf, (), lambda x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi), 3, 3),
}


@pytest.mark.parametrize("name", EXACT)
def test_each_entry_is_right_to_some_units_of_its_own_last_place(name):
    kernel, options, exact, right, left = EXACT[name]
    r = np.random.default_rng(0)
    x = np.concatenate([r.uniform(-w, w, 20000) for w in (0.1, 1, 12)]).astype(np.float32)
    y, expected = kernel(x, *options), exact(x.astype(np.float64))
    normal = abs(expected) >= np.finfo(np.float32).tiny
    ulps = abs(y - expected)[normal] / np.spacing(abs(expected[normal]).astype(np.float32))
    assert (ulps <= np.where(x[normal] > -0.65, right, left)).all(), ulps.max()


def test_gelu_by_tanh_does_not_lose_its_left_tail():
    # the reference takes 1 + tanh there, which cancels; the twin's value is x times a small sigmoid
    x = np.linspace(-5, 5, 1001, dtype=np.float32)
    wide = x.astype(np.longdouble)
    u = np.longdouble(0.7978845608028654) * (wide + np.longdouble(0.044715) * wide**3)
    exact = wide / (1 + np.exp(-2 * u))
    # the exponent, 2u, is rounded three times: |2u| < 18 here, of which the sixth root of 2^-24 remains
    np.testing.assert_allclose(activation.gelu_tanh(x), exact.astype(float), rtol=18 * 2 * 2.0**-24)


KERNELS = [kernel for table in (twins.FORWARD, twins.BACKWARD) for kernel in table]


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.__name__)
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)
def test_out_may_be_an_input_and_other_layouts_are_left_to_the_reference(kernel, dtype):
    options = (twins.FORWARD | twins.BACKWARD)[kernel][1:]
    r = np.random.default_rng(0)
    arrays = [r.standard_normal((6, 11)).astype(dtype) for _ in range(1 if kernel in twins.FORWARD else 2)]
    expected = kernel(*arrays, *options)
    for i in range(len(arrays)):
        mine = [a.copy() for a in arrays]
        assert kernel(*mine, *options, out=mine[i]) is mine[i]
        np.testing.assert_array_equal(mine[i], expected)
    turned = [a.T for a in arrays]
    assert kernel.twin(*turned, *options) is NotImplemented
    np.testing.assert_allclose(kernel(*turned, *options), expected.T, rtol=0, atol=20 * np.finfo(dtype).eps)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.__name__)
def test_nan_goes_through(kernel):
    options = (twins.FORWARD | twins.BACKWARD)[kernel][1:]
    x = np.array([1.0, np.nan, -2.0] * 5)
    others = [] if kernel in twins.FORWARD else [np.ones(15)]
    with np.errstate(invalid="ignore"):
        expected = kernel.reference(*others, x, *options)
    np.testing.assert_array_equal(np.isnan(kernel(*others, x, *options)), np.isnan(expected))
    if others:
        np.testing.assert_array_equal(np.isnan(kernel(x, *others, *options)), np.isnan(x))


def test_options_by_name_are_as_good():
    x = np.linspace(-2, 2, 9)
    np.testing.assert_array_equal(activation.leaky_relu(x, slope=0.1), activation.leaky_relu(x, 0.1))


def test_arrays_of_two_shapes_or_dtypes_are_left_to_the_reference():
    x = np.ones((3, 4))
    assert activation.gelu_backward.twin(np.ones(4), x) is NotImplemented
    assert activation.gelu_backward.twin(x.astype(np.float32), x) is NotImplemented
    assert activation.elu_backward.twin(x, x, np.ones(4), 1.0, 1.0) is NotImplemented
    np.testing.assert_array_equal(activation.relu_backward(np.ones(4), x), x)
