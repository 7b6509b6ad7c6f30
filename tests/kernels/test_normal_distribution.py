"""The density and the distribution function of the normal distribution: accuracy over the whole range, and the ends."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ddtrain.kernels import normal_distribution


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
