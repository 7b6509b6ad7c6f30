"""What distributions share: outside of the support there is no density, and it does not move."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain import elementwise_grad
from ddtrain.scipy import stats

# distribution -> its shape parameters; points lie inside, on and outside the supports
SHAPES = {"norm": (), "t": (3.5,), "gamma": (2.3,), "chi2": (3.0,), "beta": (1.7, 2.2)}


@pytest.mark.parametrize("name", ["gamma", "chi2", "beta"])
@pytest.mark.parametrize("method", ["pdf", "cdf", "sf"])
def test_outside_the_support_the_derivative_is_zero_and_not_nan(name, method):
    fun = getattr(getattr(stats, name), method)
    for argnum in range(1 + len(SHAPES[name])):
        assert elementwise_grad(fun, argnum)(np.array(-1.0), *SHAPES[name]) == 0.0
