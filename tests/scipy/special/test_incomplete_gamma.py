"""The incomplete gamma function's derivative in its shape: differences, a closed form, and the ends."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special as sc

from ddtrain import elementwise_grad
from ddtrain.scipy import special


@pytest.mark.parametrize("a", [1e-3, 0.3, 1.0, 7.5, 300.0, 1e4])
@pytest.mark.parametrize("z", [-6.0, -2.0, 0.0, 2.0, 6.0])
def test_incomplete_gamma_in_its_shape(a, z):
    # P varies over the smaller of a and sqrt(a); a step of 1e-4 of that is off by 1e-8 relative, and by rounding / step
    x = max(a + z * np.sqrt(a), 1e-3 * a)
    h = 1e-4 * min(a, np.sqrt(a))
    difference = (sc.gammainc(a + h, x) - sc.gammainc(a - h, x)) / (2 * h)
    actual = elementwise_grad(special.gammainc)(a, x)
    np.testing.assert_allclose(actual, difference, rtol=2e-6, atol=1e-13 / h)
    np.testing.assert_allclose(elementwise_grad(special.gammaincc)(a, x), -actual, rtol=1e-14)


def test_incomplete_gamma_at_shape_one_in_closed_form():
    # the integral of exp(-t) (log t + euler_gamma) over (0, x), by parts; relative accuracy in the upper tail
    x = np.array([1e-3, 0.1, 1.0, 5.0, 30.0])
    expected = -(np.exp(-x) * (np.euler_gamma + np.log(x)) + sc.exp1(x))
    np.testing.assert_allclose(elementwise_grad(special.gammainc)(np.ones(5), x), expected, rtol=1e-12)
