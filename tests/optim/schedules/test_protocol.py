"""What all schedules have: a clock, a base rate that may follow the batch, a floor, and ranges of their options."""

from __future__ import annotations

from typing import Any

import pytest

from ddtrain.optim import schedules
from ddtrain.optim.schedules import Schedule, TimedSchedule

TIMED = sorted(name for name, part in Schedule.parts.items() if issubclass(part, TimedSchedule))


def rates(steps: int, steps_per_epoch: int, **options: Any) -> list[float]:
    rate = schedules.make(Schedule(**options), 1.0, steps, steps_per_epoch)
    return [rate.lr(t) for t in range(steps)]


@pytest.mark.parametrize("name", sorted({*TIMED} - {"sequential"}))
def test_by_epochs_it_is_the_same_function_of_epochs(name: str) -> None:
    """Three steps an epoch, seven epochs of which the last is cut: each rate stands for an epoch."""
    assert rates(20, 3, name=name, unit="epoch") == [rate for rate in rates(7, 1, name=name) for _ in range(3)][:20]


def test_by_epochs_it_is_pytorchs_scheduler_stepped_after_each() -> None:
    """ExponentialLR(0.5), stepped after every three steps."""
    found = rates(21, 3, name="exponential", decay_every=1, unit="epoch")
    assert found == pytest.approx([0.5 ** (t // 3) for t in range(21)], rel=1e-15)


def test_epochs_count_from_the_warm_up() -> None:
    found = rates(9, 3, name="step", decay_every=1, unit="epoch", warmup_steps=2)
    assert found == [0.5, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25]


@pytest.mark.parametrize("name", sorted({*Schedule.parts} - {*TIMED}))
def test_what_has_no_times_has_no_clock(name: str) -> None:
    assert "unit" not in Schedule.named(name).options()


@pytest.mark.parametrize("name", Schedule.parts)
@pytest.mark.parametrize(
    ("rule", "batch_size", "expected"),
    [("none", 1024, 0.1), ("linear", 1024, 0.4), ("linear", 64, 0.025), ("sqrt", 1024, 0.2), ("sqrt", 64, 0.05)],
)
def test_the_base_rate_follows_the_batch(name: str, rule: str, batch_size: int, expected: float) -> None:
    schedule = Schedule(name=name, scale_lr=rule)  # type: ignore[arg-type]
    assert schedule.scaled(0.1, batch_size) == pytest.approx(expected, rel=1e-15)


def test_the_reference_batch_is_the_one_that_the_rate_is_for() -> None:
    assert Schedule(scale_lr="linear", reference_batch=32).scaled(0.1, 32) == 0.1
    assert Schedule(scale_lr="linear", reference_batch=32).scaled(0.1, 96) == pytest.approx(0.3, rel=1e-15)


def test_the_floor_is_a_multiplier_of_the_base_rate() -> None:
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
        ({"reference_batch": 0}, "reference_batch"),
        ({"name": "linear", "start": -0.1}, "start"),
        ({"name": "linear", "end": -0.1}, "end"),
        ({"name": "linear", "length": -1}, "length"),
        ({"name": "chained", "schedules": ()}, "schedules"),
        ({"name": "sequential", "schedules": ("cosine", "plateau")}, "schedules"),
        ({"name": "sequential", "milestones": (5, 9)}, "milestones"),
        ({"name": "sequential", "milestones": (0,)}, "milestones"),
        ({"name": "sequential", "schedules": ("cosine", "step", "step"), "milestones": (9, 9)}, "milestones"),
    ],
)
def test_each_schedule_knows_its_ranges(options: dict[str, Any], wrong: str) -> None:
    assert [name for name, ok, _ in Schedule(**options).ranges() if not ok] == [wrong]


@pytest.mark.parametrize("name", Schedule.parts)
def test_what_stands_where_nothing_is_said_is_in_range(name: str) -> None:
    assert all(ok for _, ok, _ in Schedule(name=name).ranges())
