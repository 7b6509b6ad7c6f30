"""Staircases: the step at which the rate falls is the first that has the lower one."""

import pytest

from ddtrain.optim import schedules
from ddtrain.optim.schedules import Schedule


def rates(steps, **options):
    schedule = schedules.make(Schedule(**options), 1.0, steps)
    return [schedule.lr(t) for t in range(steps)]


def test_each_stair_has_the_same_number_of_steps():
    assert rates(7, name="step", decay_every=3, factor=0.5) == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]


def test_stairs_are_counted_from_the_end_of_the_warm_up():
    assert rates(6, name="step", decay_every=2, factor=0.5, warmup_steps=2) == [0.5, 1, 1, 1, 0.5, 0.5]
    assert rates(6, name="multi_step", milestones=(1, 3), factor=0.5, warmup_steps=2) == [0.5, 1, 1, 0.5, 0.5, 0.25]


@pytest.mark.parametrize("milestones", [(), (0,), (3, 3), (4, 2), (-1, 2)])
def test_milestones_that_do_not_rise_are_out_of_range(milestones):
    part = Schedule(name="multi_step", milestones=milestones)
    assert [name for name, ok, _ in part.ranges() if not ok] == ["milestones"]


def test_milestones_that_rise_are_in_range():
    assert all(ok for _, ok, _ in Schedule(name="multi_step", milestones=(1, 2, 30)).ranges())
