"""AdaDelta: steps have the unit of the values, so that they are the same whatever the loss is measured in."""

import numpy as np
import pytest

from ddtrain import optim
from ddtrain.optim import Optim

RHO, EPS = 0.9, 1e-6


def test_the_first_step_is_the_formula():
    x, adadelta = np.zeros(1), optim.make(Optim(name="adadelta", rho=RHO, eps=EPS), 1, np.float64)
    adadelta.apply(x, np.array([4.0]), lr=1.0)
    step = 4.0 * (EPS / (0.1 * 16.0 + EPS)) ** 0.5
    assert x[0] == pytest.approx(-step, rel=1e-14)
    assert adadelta.state["square"][0] == pytest.approx(1.6, rel=1e-14)
    assert adadelta.state["moved"][0] == pytest.approx(0.1 * step**2, rel=1e-14)


def test_a_loss_in_another_unit_moves_the_values_alike():
    rng = np.random.default_rng(0)
    gradients = rng.uniform(1, 2, (20, 5))
    small, large = np.zeros(5), np.zeros(5)
    one, other = (optim.make(Optim(name="adadelta", rho=RHO, eps=EPS), 5, np.float64) for _ in range(2))
    for g in gradients:
        one.apply(small, g, lr=1.0)
        other.apply(large, 1000 * g, lr=1.0)
    np.testing.assert_allclose(large, small, rtol=1e-4)  # but for eps, which is 1e-5 of the mean square of the first
    assert np.abs(small).min() > 1e-3
