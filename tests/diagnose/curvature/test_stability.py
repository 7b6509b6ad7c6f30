"""The largest stable rates, tried by the optimizers themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.diagnose.curvature.stability import stable_rate
from ddtrain.optim import Adam, Sgd


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("form", ["pytorch", "friction", "lecture"])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_rates_below_the_limit_converge_and_above_diverge(momentum: float, form: Any, nesterov: bool) -> None:
    """By the optimizer itself, on the quadratic with the curvature."""
    if not momentum and (form != "pytorch" or nesterov):
        return
    optim = Sgd(momentum=momentum, momentum_form=form, nesterov=nesterov, weight_decay=0.3)
    limit = stable_rate(optim, 4.0)
    for factor, grows in ((0.97, False), (1.03, True)):
        x, state = np.ones(1), {name: np.zeros(1) for name in optim.vectors()}
        for count in range(400):
            optim.update_(x, 4.0 * x, state, lr=factor * limit, scale=1.0, count=count + 1)
        assert (abs(x[0]) > 1) == grows


def test_of_other_optimizers_it_is_gradient_descents() -> None:
    assert stable_rate(Adam(), 4.0) == 0.5
    assert stable_rate(Adam(), -4.0) == np.inf
