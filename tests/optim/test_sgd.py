"""Momentum as PyTorch defines it, and none where there is none."""

import numpy as np
import pytest

from ddtrain import optim
from ddtrain.optim import Sgd


def test_momentum_of_zero_keeps_no_velocity():
    assert optim.make(Sgd(momentum=0.0), 5, np.float64).state == {}


def test_momentum_is_pytorchs_not_sutskevers():
    """The rate multiplies the velocity when it is used: after a change of rate the whole velocity is scaled."""
    x = np.zeros(1)
    sgd = optim.make(Sgd(momentum=0.5), 1, np.float64)
    sgd.apply(x, np.ones(1), lr=1.0)
    sgd.apply(x, np.zeros(1), lr=0.1)
    assert x[0] == pytest.approx(-1.0 - 0.1 * 0.5, rel=1e-15)


@pytest.mark.parametrize("nesterov", [False, True])
def test_a_gradient_that_stays_gathers_a_velocity_of_the_geometric_series(nesterov):
    """v_t = g (1 - momentum^t) / (1 - momentum); Nesterov's form steps by v_{t+1} at once."""
    x, sgd = np.zeros(1), optim.make(Sgd(momentum=0.8, nesterov=nesterov), 1, np.float64)
    for t in range(1, 30):
        before = x[0]
        sgd.apply(x, np.array([3.0]), lr=0.1)
        assert before - x[0] == pytest.approx(0.1 * 3.0 * (1 - 0.8 ** (t + nesterov)) / (1 - 0.8), rel=1e-12)


def test_decay_goes_through_the_velocity():
    x, sgd = np.array([2.0]), optim.make(Sgd(momentum=0.5, weight_decay=0.1), 1, np.float64)
    sgd.apply(x, np.zeros(1), lr=1.0)
    assert x[0] == pytest.approx(1.8, rel=1e-15)
    assert sgd.state["velocity"][0] == pytest.approx(0.2, rel=1e-15)
