"""The Poisson distribution: counts inside and outside the support, derivatives in the mean."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from ddtrain.autodiff import check_grads
from ddtrain.scipy import stats


@pytest.mark.parametrize("method", ["pmf", "logpmf", "cdf", "logcdf", "sf", "logsf"])
def test_poisson(method):
    k, mu = np.array([-1.0, 0.0, 1.0, 2.5, 7.0]), np.array(3.3)
    ours, theirs = getattr(stats.poisson, method), getattr(scipy.stats.poisson, method)
    np.testing.assert_allclose(ours(k, mu), theirs(k, mu), rtol=1e-12)
    np.testing.assert_allclose(ours(k, mu, 1), theirs(k, mu, 1), rtol=1e-12)
    check_grads(lambda mu: ours(np.array([0, 1, 6]), mu))(mu)
