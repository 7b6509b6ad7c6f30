"""Momentum and its forms: one method at a constant rate, and what each keeps when the rate changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import optim
from ddtrain.optim import Sgd

BETA, LR = 0.8, 0.05
nesterovs = pytest.mark.parametrize("nesterov", [False, True])


def test_momentum_of_zero_keeps_no_velocity() -> None:
    assert optim.make(Sgd(momentum=0.0), 5, np.float64).state == {}


@nesterovs
def test_a_gradient_that_stays_gathers_a_velocity_of_the_geometric_series(nesterov: bool) -> None:
    """v_t = g (1 - momentum^t) / (1 - momentum); Nesterov's form steps by v_{t+1} at once."""
    x, sgd = np.zeros(1), optim.make(Sgd(momentum=0.8, nesterov=nesterov), 1, np.float64)
    for t in range(1, 30):
        before = x[0]
        sgd.apply(x, np.array([3.0]), lr=0.1)
        assert before - x[0] == pytest.approx(0.1 * 3.0 * (1 - 0.8 ** (t + nesterov)) / (1 - 0.8), rel=1e-12)


def test_decay_goes_through_the_velocity() -> None:
    x, sgd = np.array([2.0]), optim.make(Sgd(momentum=0.5, weight_decay=0.1), 1, np.float64)
    sgd.apply(x, np.zeros(1), lr=1.0)
    assert x[0] == pytest.approx(1.8, rel=1e-15)
    assert sgd.state["velocity"][0] == pytest.approx(0.2, rel=1e-15)


def path(form: str, rates: list[float], **options: Any) -> tuple[np.ndarray, np.ndarray]:
    """The values after each step down a quadratic, and the velocities."""
    sgd = optim.make(Sgd(momentum=BETA, momentum_form=form, **options), 3, np.float64)  # type: ignore[arg-type]
    x, values, velocities = np.array([1.0, -2.0, 0.5]), [], []
    for t, lr in enumerate(rates):
        sgd.apply(x, np.array([0.1, 1.0, 3.0]) * x + np.cos(t), lr=lr, scale=0.7)
        values.append(x.copy())
        velocities.append(sgd.state["velocity"].copy())
    return np.array(values), np.array(velocities)


@nesterovs
@pytest.mark.parametrize("penalties", [{}, {"weight_decay": 0.1, "l1": 0.2}])
def test_at_a_constant_rate_the_forms_are_one_method(nesterov: bool, penalties: dict[str, float]) -> None:
    """By a change of variables: v of lecture is -lr * v of pytorch; of friction (1 - β) * v, with its lr over 1 - β."""
    options = {"nesterov": nesterov, **penalties}
    x, v = path("pytorch", [LR] * 20, **options)
    x_lecture, v_lecture = path("lecture", [LR] * 20, **options)
    x_friction, v_friction = path("friction", [LR / (1 - BETA)] * 20, **options)
    np.testing.assert_allclose(x_lecture, x, rtol=0, atol=1e-14)
    np.testing.assert_allclose(x_friction, x, rtol=0, atol=1e-14)
    np.testing.assert_allclose(v_lecture, -LR * v, rtol=0, atol=1e-14)
    np.testing.assert_allclose(v_friction, (1 - BETA) * v, rtol=0, atol=1e-14)


@nesterovs
def test_when_the_rate_changes_they_are_not(nesterov: bool) -> None:
    x, _ = path("pytorch", [LR, LR / 10], nesterov=nesterov)
    x_lecture, _ = path("lecture", [LR, LR / 10], nesterov=nesterov)
    np.testing.assert_allclose(x_lecture[0], x[0], rtol=1e-15)
    assert np.abs(x_lecture[1] - x[1]).max() > 1e-3


@pytest.mark.parametrize(
    ("form", "second"),
    [
        ("pytorch", 0.1 * BETA),  # the whole velocity, by the new rate
        ("lecture", 1.0 * BETA),  # the step that was taken
        ("friction", 0.1 * BETA * (1 - BETA)),
    ],
)
def test_what_is_left_of_one_gradient_after_a_change_of_rate(form: str, second: float) -> None:
    sgd, x = optim.make(Sgd(momentum=BETA, momentum_form=form), 1, np.float64), np.zeros(1)  # type: ignore[arg-type]
    sgd.apply(x, np.ones(1), lr=1.0)
    before = x[0]
    sgd.apply(x, np.zeros(1), lr=0.1)
    assert before - x[0] == pytest.approx(second, rel=1e-14)


@nesterovs
def test_under_friction_a_constant_gradient_becomes_the_velocity(nesterov: bool) -> None:
    sgd, x = optim.make(Sgd(momentum=0.5, momentum_form="friction", nesterov=nesterov), 2, np.float64), np.zeros(2)
    for _ in range(60):
        before = x.copy()
        sgd.apply(x, np.array([3.0, -1.0]), lr=0.1)
    np.testing.assert_allclose(sgd.state["velocity"], [3.0, -1.0], rtol=1e-15)
    np.testing.assert_allclose(x - before, [-0.3, 0.1], rtol=1e-13)
