"""The exponential fall: one factor over equal times, wherever they begin, and the staircase's rates at its edges."""

import pytest

from ddtrain.optim.schedules.exponential import exponential
from ddtrain.optim.schedules.step import step


def test_equal_times_have_equal_factors():
    for t in range(10):
        assert exponential(t + 8, every=8, factor=0.25) == pytest.approx(0.25 * exponential(t, 8, 0.25), rel=1e-14)
    assert exponential(4, every=8, factor=0.25) == pytest.approx(0.5, rel=1e-15)


def test_it_meets_the_staircase_at_its_edges_and_is_below_it_between():
    for t in range(1, 20):
        smooth, stairs = exponential(t, every=5, factor=0.5), step(t, every=5, factor=0.5)
        assert smooth == stairs if t % 5 == 0 else smooth < stairs
