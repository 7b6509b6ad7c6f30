"""NAdam's momenta, and their products without a state."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain import optim
from ddtrain.optim import NAdam
from ddtrain.optim.adaptive.nadam import momentum, products


@pytest.mark.parametrize(("beta1", "momentum_decay"), [(0.9, 4e-3), (0.9, 1.0), (0.99, 0.1), (0.0, 4e-3), (0.9, 0.0)])
def test_products_are_those_of_the_momenta_until_they_make_no_difference(beta1: float, momentum_decay: float) -> None:
    found, product = products(beta1, momentum_decay), 1.0
    for t, known in enumerate(found):
        product *= momentum(t, beta1, momentum_decay) if t else 1.0
        assert known == product
    assert 1.0 - found[-1] == 1.0


def test_a_run_that_is_resumed_late_needs_no_product() -> None:
    """After a million updates the gradient's weight is 1 - β₁ and its mean's β₁, with nothing left to correct."""
    formula, x = NAdam(beta1=0.5, eps=1e-30), np.zeros(1)
    optimizer = optim.make(formula, 1, np.float64)
    optimizer.count = 10**6
    optimizer.state["m"][...], optimizer.state["v"][...] = 2.0, 4.0
    optimizer.apply(x, np.array([2.0]), lr=0.1)
    assert x[0] == pytest.approx(-0.1, rel=1e-12)


def test_the_momentum_grows_from_half_of_beta1_to_beta1() -> None:
    found = [momentum(t, 0.9, 0.5) for t in range(400)]
    assert found[0] == 0.45
    assert found == sorted(found)
    assert found[-1] == pytest.approx(0.9, abs=1e-3)
