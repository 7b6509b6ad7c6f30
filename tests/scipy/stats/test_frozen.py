"""Distributions that hold their parameters, with and without derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from ddtrain import grad
from ddtrain.autodiff import check_grads
from ddtrain.errors import DerivativeError
from ddtrain.scipy import stats

HELD = {"beta": (2.0, 3.0), "chi2": (3.0,), "gamma": (2.0,), "norm": (0.2, 1.5), "t": (4.0, 0.1)}


@pytest.mark.parametrize("name", HELD)
@pytest.mark.parametrize("method", ["pdf", "logpdf", "cdf", "sf", "ppf"])
def test_distributions_with_rules_may_hold_their_parameters(name, method):
    ours, params = getattr(stats, name), HELD[name]
    held = getattr(scipy.stats, name)(*params)
    np.testing.assert_allclose(getattr(ours(*params), method)(0.4), getattr(held, method)(0.4), rtol=1e-12)
    check_grads(lambda x, *ps: getattr(ours(*ps), method)(x), order=1)(0.4, *params)


def test_what_holds_parameters_has_scipys_other_methods():
    assert stats.norm(1.0, 2.0).interval(0.9) == scipy.stats.norm(1.0, 2.0).interval(0.9)
    assert stats.poisson(2.0).mean() == 2.0
    assert stats.multivariate_normal([0.0, 1.0], np.eye(2)).rvs(random_state=0).shape == (2,)
    check_grads(lambda a: stats.dirichlet(a).entropy(), order=1)(np.array([2.0, 3.0]))
    with pytest.raises(DerivativeError, match=r"scipy.stats.norm.mean has no derivative rule"):
        grad(lambda m: stats.norm(m, 1.0).mean())(0.5)
