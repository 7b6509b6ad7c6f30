"""Axes: an exploding run does not ruin them, an ordinary one is shown whole."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.report.drawing.limits import Limits, label, of_curves, of_steps

STEPS = np.arange(200.0)
DECAY = 2.3 * np.exp(-STEPS / 50) + 0.1
NOISY = DECAY * np.exp(0.3 * np.random.default_rng(0).standard_normal(200))


@pytest.mark.parametrize(
    "curve",
    [DECAY, NOISY, np.full(9, 0.5), np.linspace(0.001, 1.0, 50), -DECAY, np.array([3.0]), np.linspace(1, 30, 90)],
    ids=["decay", "noise", "constant", "accuracy", "negative", "one", "growing"],
)
def test_ordinary_curves_are_shown_whole(curve: np.ndarray) -> None:
    shown = of_curves([curve])
    assert shown.low <= curve.min()
    assert shown.high >= curve.max()
    assert shown.low < shown.high
    assert shown.high - shown.low <= 2 * max(np.ptp(curve), abs(curve).max()), "and fill the picture"


@pytest.mark.parametrize("last", [1e3, 1e30, np.finfo(float).max, np.inf, -1e30])
@pytest.mark.parametrize("count", [1, 100])
def test_a_run_that_explodes_keeps_the_axis_of_its_beginning(last: float, count: int) -> None:
    curve = np.concatenate([NOISY, np.full(count, last)])
    whole, shown = of_curves([NOISY]), of_curves([curve])
    assert shown.low >= whole.low - 2
    assert shown.high <= 4 * whole.high
    assert shown.high >= NOISY.max()


def test_one_that_explodes_at_once_leaves_the_axis_to_the_others() -> None:
    exploding = np.array([2.3, 50.0, 1e6, 1e12, 1e18, np.nan])
    assert of_curves([DECAY, exploding]).high < 10
    assert of_curves([exploding]).high > 10, "alone it has the axis"


def test_nothing_finite_has_an_axis_all_the_same() -> None:
    for curves in ([], [np.array([np.nan, np.inf])], [np.zeros(0)]):
        assert of_curves(curves) == Limits(0.0, 1.0)


def test_many_decades_are_logarithmic_and_values_across_zero_never() -> None:
    assert of_curves([np.geomspace(1.0, 1e-6, 50)]).log
    assert not of_curves([np.linspace(1.0, 0.01, 50)]).log
    assert not of_curves([np.append(np.ones(99), 1e-6)]).log, "one lucky batch makes no decades"
    assert not of_curves([np.geomspace(1.0, 1e-6, 50), np.zeros(1)]).log


@pytest.mark.parametrize(
    "shown", [Limits(0, 1), Limits(-3.2, 8), Limits(1e-7, 2, log=True), Limits(5, 5.001), Limits(0.2, 900, log=True)]
)
def test_ticks_are_round_and_within(shown: Limits) -> None:
    ticks = shown.ticks()
    assert 2 <= len(ticks) <= 8
    for tick in ticks:
        assert -1e-9 <= shown.place(tick) <= 1 + 1e-9
        assert len(label(tick)) <= 6


def test_places_run_from_bottom_to_top() -> None:
    for shown in (Limits(-1, 3), Limits(0.01, 100, log=True)):
        assert (float(shown.place(shown.low)), float(shown.place(shown.high))) == pytest.approx((0, 1))
    assert Limits(0.01, 100, log=True).place(1.0) == pytest.approx(0.5)
    assert Limits(0.01, 100, log=True).place(-1.0) < 0, "what has no logarithm is below"


def test_steps_of_a_run_with_one() -> None:
    assert of_steps([np.array([4])]) == Limits(3.5, 4.5)
    assert of_steps([]) == Limits(-0.5, 0.5)
