"""The normal distribution: its tails and its precision."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from ddtrain import elementwise_grad, grad
from ddtrain.scipy import stats

METHODS = ("pdf", "logpdf", "cdf", "logcdf", "sf", "logsf")


def test_tails_of_the_normal_do_not_underflow():
    assert stats.norm.logcdf(-40.0) == pytest.approx(scipy.stats.norm.logcdf(-40.0), rel=1e-13)
    assert grad(stats.norm.logsf)(40.0) == pytest.approx(-40.0 - 1 / 40, rel=1e-5)


def test_single_precision_stays():
    x = np.array([0.5, 1.0], np.float32)
    for method in METHODS:
        assert getattr(stats.norm, method)(x).dtype == np.float32
    assert elementwise_grad(stats.gamma.logpdf, 0)(x, np.float32(2.0)).dtype == np.float32
