"""The polynomial fall: a straight line with power 1, its floor, and runs without steps after the warm-up."""

import pytest

from ddtrain.optim import schedules
from ddtrain.optim.schedules import Schedule
from ddtrain.optim.schedules.polynomial import polynomial


def test_power_one_is_a_straight_line_down_to_the_floor():
    schedule = schedules.make(Schedule(name="polynomial", min_lr=0.2), 1.0, 4)
    assert [schedule.lr(t) for t in range(6)] == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2, 0.2], rel=1e-14)


def test_higher_powers_fall_earlier():
    for t in range(1, 10):
        falls = [polynomial(t, 10, power) for power in (0.5, 1.0, 2.0, 3.0)]
        assert falls == sorted(falls, reverse=True)
        assert len(set(falls)) == 4


def test_a_run_that_ends_within_its_warm_up_is_at_the_floor():
    assert polynomial(0, 0, 1.0, floor=0.2) == 0.2
