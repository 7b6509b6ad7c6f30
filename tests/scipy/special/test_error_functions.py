"""The normal distribution function in both tails."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special as sc

from ddtrain import elementwise_grad, grad
from ddtrain.scipy import special


def slope(fun, x):
    return elementwise_grad(fun)(np.asarray(x, float))


@pytest.mark.parametrize("x", [-1e4, -50.0, -5.0, 0.0, 5.0, 50.0, 1e4])
def test_log_ndtr_in_both_tails(x):
    # asymptotically the slope is |x| + 1/|x| - 2/|x|^3; near zero the density over the probability
    first = slope(special.log_ndtr, x)
    expected = -x - 1 / x + 2 / x**3 if x < -40 else np.exp(-x * x / 2) / np.sqrt(2 * np.pi) / sc.ndtr(x)
    np.testing.assert_allclose(first, expected, rtol=1e-6 if x < -40 else 1e-12, atol=0)
    assert np.isfinite(grad(grad(special.log_ndtr))(x))
