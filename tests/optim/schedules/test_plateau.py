"""The plateau: when it falls, what it takes for an improvement, and its memory."""

import json
import math

import pytest

from ddtrain.optim import schedules
from ddtrain.optim.schedules import Schedule


def make(**options: float) -> schedules.LearningRate:
    return schedules.make(Schedule(name="plateau", **options), 0.4, 100)


class TestPlateau:
    def test_decays_after_more_than_patience_evaluations_without_improvement(self):
        schedule = make(factor=0.5, patience=2)
        rates = []
        for loss in (3.0, 2.0, 2.0, 2.5, 2.1, 1.0, 1.5, 1.5, 1.5):
            schedule.observe(loss)
            rates.append(schedule.lr(0) / 0.4)
        assert rates == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25]

    def test_patience_begins_anew_after_a_fall(self):
        schedule = make(factor=0.5, patience=1)
        rates = []
        for loss in (1.0, *[2.0] * 6):
            schedule.observe(loss)
            rates.append(schedule.lr(0) / 0.4)
        assert rates == [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]

    @pytest.mark.parametrize("broken", [math.nan, math.inf])
    def test_a_broken_loss_is_no_improvement_even_as_the_first(self, broken):
        schedule = make(patience=0)
        schedule.observe(broken)
        assert schedule.lr(0) == 0.2
        schedule.observe(5.0)
        schedule.observe(4.0)
        assert schedule.lr(0) == 0.2

    def test_state_round_trips_through_json(self):
        never_stopped, before, after = (make(patience=1) for _ in range(3))
        for loss in (2.0, 3.0):
            never_stopped.observe(loss)
            before.observe(loss)
        after.load(json.loads(json.dumps(before.state)))
        for loss in (2.0, 1.5, 3.0, 3.0):
            never_stopped.observe(loss)
            after.observe(loss)
        assert after.state == never_stopped.state
        assert after.lr(7) == never_stopped.lr(7) == 0.1

    def test_a_saved_state_is_a_copy(self):
        schedule = make()
        saved = schedule.state
        schedule.observe(1.0)
        assert saved["best"] is None
