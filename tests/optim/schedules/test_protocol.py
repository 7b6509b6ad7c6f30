"""What all schedules have: a floor in units of the base rate, and ranges of their options."""

import pytest

from ddtrain.optim.schedules import Schedule


def test_the_floor_is_a_multiplier_of_the_base_rate():
    assert Schedule(min_lr=0.1).floor(0.4) == 0.25
    assert Schedule(min_lr=0.1).floor(0.0) == 0.0, "a rate of zero stays one"


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"warmup_steps": -1}, "warmup_steps"),
        ({"min_lr": -0.1}, "min_lr"),
        ({"min_lr": float("nan")}, "min_lr"),
        ({"name": "step", "decay_every": 0}, "decay_every"),
        ({"name": "exponential", "factor": 0.0}, "factor"),
        ({"name": "inverse", "factor": -1.0}, "factor"),
        ({"name": "polynomial", "power": 0.0}, "power"),
        ({"name": "plateau", "patience": -1}, "patience"),
        ({"name": "plateau", "factor": 0.0}, "factor"),
        ({"name": "cosine_restarts", "period": 0}, "period"),
        ({"name": "cosine_restarts", "lengthen": 0}, "lengthen"),
        ({"name": "cyclic", "peak": 0.5}, "peak"),
        ({"name": "cyclic", "half_period": 0}, "half_period"),
        ({"name": "cyclic", "anneal": 1.5}, "anneal"),
        ({"name": "one_cycle", "start": 0.0}, "start"),
        ({"name": "one_cycle", "end": 2.0}, "end"),
        ({"name": "one_cycle", "rise": 1.0}, "rise"),
    ],
)
def test_each_schedule_knows_its_ranges(options, wrong):
    assert [name for name, ok, _ in Schedule(**options).ranges() if not ok] == [wrong]


@pytest.mark.parametrize("name", Schedule.parts)
def test_what_stands_where_nothing_is_said_is_in_range(name):
    assert all(ok for _, ok, _ in Schedule(name=name).ranges())
