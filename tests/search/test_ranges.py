"""Ranges: ends, integers, grids, borders, and what is drawn over many trials."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ddtrain.search.ranges import Choices, Range
from ddtrain.search.space import Space

RANGES = [
    Range("a", 1e-4, 1.0, log=True),
    Range("a", 0.0, 0.99),
    Range("a", -3.0, 5.0),
    Range("a", 1, 6, whole=True),
    Range("a", 1, 1000, log=True, whole=True),
]
any_range = pytest.mark.parametrize("dimension", RANGES, ids=str)


@any_range
def test_places_and_values_are_inverse_and_rise(dimension: Range) -> None:
    places = np.linspace(0, 1, 41)
    values = [dimension.at(u) for u in places]
    assert values == sorted(values)
    assert (values[0], values[-1]) == (dimension.low, dimension.high)
    if dimension.whole:
        assert all(type(x) is int and dimension.at(dimension.place(x)) == x for x in values)
    else:
        np.testing.assert_allclose([dimension.place(x) for x in values], places, atol=1e-12)


@any_range
def test_a_grid_has_both_ends_and_stays_inside(dimension: Range) -> None:
    for points in (2, 3, 7):
        values = dimension.grid(points)
        assert (values[0], values[-1], len(set(values))) == (dimension.low, dimension.high, len(values))
        assert values == sorted(values)
    assert len(Range("a", 1, 3, whole=True).grid(9)) == 3
    assert len(dimension.grid(1)) == 1


def test_uneven_ends_are_not_passed_by_rounding() -> None:
    odd = Range("a", 0.00012345, 0.98765, log=True)
    assert (odd.grid(4)[0], odd.grid(4)[-1]) == (0.00012345, 0.98765)


def test_draws_are_uniform_in_the_scale_that_was_asked_for() -> None:
    """Kolmogorov and Smirnov's distance of 2000 draws: beyond 1.95 / sqrt(n) once in a thousand samples, and seeded."""
    for dimension in (Range("optim.lr", 1e-4, 1.0, log=True), Range("optim.lr", 0.0, 0.99)):
        space = Space((dimension,))
        places = np.sort([dimension.place(space.draw(0, n)["optim.lr"]) for n in range(2000)])
        assert np.abs(places - (np.arange(2000) + 0.5) / 2000).max() < 1.95 / math.sqrt(2000)
    whole, rolls = Range("a", 1, 6, whole=True), np.zeros(6)
    for n in range(6000):
        rolls[int(Space((whole,)).draw(1, n)["a"]) - 1] += 1
    assert np.abs(rolls - 1000).max() < 4 * math.sqrt(6000 * 5 / 36)


@pytest.mark.parametrize(
    ("dimension", "value", "side"),
    [
        (RANGES[0], 1e-4, "low"),
        (RANGES[0], 1.5e-4, "low"),  # within 5 % of the four decades
        (RANGES[0], 2e-4, ""),
        (RANGES[0], 0.8, "high"),
        (RANGES[1], 0.9, ""),
        (RANGES[1], 0.95, "high"),
        (RANGES[3], 6, "high"),
        (RANGES[3], 5, ""),
        (Choices("a", (32, 64, 128)), 32, "low"),
        (Choices("a", (32, 64, 128)), 64, ""),
        (Choices("a", (128, 32, 64)), 128, "high"),
        (Choices("a", (1, 2)), 2, ""),  # one of two is always an end
        (Choices("a", ("sgd", "adam", "lion")), "sgd", ""),
        (Choices("a", (True, False, 3)), 3, ""),
    ],
)
def test_borders(dimension: Range | Choices, value: object, side: str) -> None:
    assert dimension.on_border(value) == side  # type: ignore[arg-type]


def test_a_finer_range_is_a_quarter_as_wide_and_goes_on_beyond_a_border_alone() -> None:
    lr, everything = RANGES[0], lambda value: True
    for best in (0.9, 0.01, 1.1e-4):
        finer = lr.narrowed(best, 4, everything)
        assert math.log(finer.high / finer.low) == pytest.approx(math.log(1e4) / 4, rel=0.02)
        assert finer.low <= best <= finer.high
    assert lr.narrowed(0.9, 4, everything).high > 1.0
    assert lr.narrowed(1.1e-4, 4, everything).low < 1e-4
    near = lr.narrowed(0.5, 4, everything)  # within an eighth of the end, but not on the border
    assert (near.high, near.low) == (1.0, 0.1)


def test_a_finer_range_keeps_to_what_the_option_allows() -> None:
    momentum = RANGES[1]
    assert momentum.narrowed(0.98, 4, lambda value: value < 1).high == 0.99
    assert momentum.narrowed(0.0, 4, lambda value: value >= 0).low == 0.0


def test_a_finer_range_of_integers_is_not_empty() -> None:
    units = Range("a", 1, 6, whole=True)
    for best in range(1, 7):
        finer = units.narrowed(best, 4, lambda value: value >= 1)
        assert 1 <= finer.low <= best <= finer.high
        assert type(finer.low) is type(finer.high) is int
        assert finer.low < finer.high
    assert Range("a", 3, 4, whole=True).narrowed(4, 4, lambda value: value <= 4) == Range("a", 3, 4, whole=True)
