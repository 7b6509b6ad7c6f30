"""Clocks of schedules, and base rates that follow the batch."""

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


@pytest.mark.parametrize(
    ("schedule", "option"),
    [
        (Schedule(reference_batch=0), "reference_batch"),
        (Schedule(warmup_steps=-1), "warmup_steps"),
        (Schedule(min_lr=-0.1), "min_lr"),
        (Schedule(name="linear", start=-0.1), "start"),
        (Schedule(name="linear", end=-0.1), "end"),
        (Schedule(name="linear", length=-1), "length"),
        (Schedule(name="multi_step", milestones=(3, 2)), "milestones"),
        (Schedule(name="multi_step", milestones=()), "milestones"),
        (Schedule(name="cyclic", half_period=0), "half_period"),
        (Schedule(name="one_cycle", rise=1.0), "rise"),
        (Schedule(name="cosine_restarts", lengthen=0), "lengthen"),
        (Schedule(name="exponential", factor=0.0), "factor"),
        (Schedule(name="plateau", patience=-1), "patience"),
        (Schedule(name="polynomial", power=0.0), "power"),
        (Schedule(name="chained", schedules=()), "schedules"),
        (Schedule(name="sequential", schedules=("cosine", "plateau")), "schedules"),
        (Schedule(name="sequential", milestones=(5, 9)), "milestones"),
        (Schedule(name="sequential", milestones=(0,)), "milestones"),
        (Schedule(name="sequential", schedules=("cosine", "step", "step"), milestones=(9, 9)), "milestones"),
    ],
)
def test_each_schedule_knows_its_ranges(schedule: Schedule, option: str) -> None:
    assert [name for name, ok, _ in schedule.ranges() if not ok] == [option]
