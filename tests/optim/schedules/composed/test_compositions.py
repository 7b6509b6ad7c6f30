"""Schedules made of others: what they are equal to, whose clock counts, and what a checkpoint keeps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ddtrain.optim import schedules
from ddtrain.optim.schedules import LearningRate, Schedule
from ddtrain.trainer.saved_decisions import check_decisions

STEPS = 40


def make(*, base_lr: float = 1.0, steps: int = STEPS, steps_per_epoch: int = 1, **options: Any) -> LearningRate:
    return schedules.make(Schedule(**options), base_lr, steps, steps_per_epoch)


def rates(**options: Any) -> list[float]:
    rate = make(**options)
    return [rate.lr(t) for t in range(options.get("steps", STEPS))]


@pytest.mark.parametrize("name", ["cosine", "polynomial", "one_cycle", "linear", "step", "cyclic", "cosine_restarts"])
def test_of_one_schedule_both_are_that_schedule(name: str) -> None:
    expected = rates(name=name, base_lr=0.3)
    assert rates(name="chained", schedules=(name,), base_lr=0.3) == pytest.approx(expected, rel=1e-15)
    alone = rates(name="sequential", schedules=(name,), milestones=(), base_lr=0.3)
    assert alone == pytest.approx(expected, rel=1e-15)


def test_a_line_before_a_cosine_is_a_warm_up() -> None:
    """From 1 / 8 of the rate in the first step to all of it in the eighth."""
    warm = rates(name="cosine", warmup_steps=7)
    found = rates(name="sequential", schedules=(f"linear(start={1 / 7})", "cosine"), milestones=(7,))
    assert found[7:] == pytest.approx(warm[7:], rel=1e-15)
    assert found[:8] == pytest.approx([1 / 7 + 6 / 7 * t / 7 for t in range(8)], rel=1e-15)


def test_members_begin_anew_and_span_their_part_alone() -> None:
    found = rates(name="sequential", schedules=("cosine", "polynomial"), milestones=(10,))
    assert found == rates(name="cosine", steps=10) + rates(name="polynomial", steps=30)


def test_times_of_a_sequence_may_be_epochs_and_those_of_members_steps() -> None:
    by_epochs = rates(
        name="sequential",
        schedules=("linear(start=0.1)", "step(decay_every=2, unit='epoch')", "step(decay_every=3)"),
        milestones=(2, 8),
        unit="epoch",
        steps_per_epoch=4,
    )
    line, staircase, stairs = by_epochs[:8], by_epochs[8:32], by_epochs[32:]
    assert line == pytest.approx([0.1 + 0.9 * t / 8 for t in range(8)], rel=1e-15)
    assert staircase == [0.5 ** (t // 8) for t in range(24)]
    assert stairs == [0.5 ** (t // 3) for t in range(8)]


def test_a_product_multiplies() -> None:
    found = rates(name="chained", schedules=("step(decay_every=5)", "linear(start=0.5, length=4)"))
    pairs = zip(rates(name="step", decay_every=5), rates(name="linear", start=0.5, length=4), strict=True)
    assert found == pytest.approx([a * b for a, b in pairs], rel=1e-15)


def test_warm_up_and_floor_are_the_members_and_the_wholes() -> None:
    members = ("exponential(decay_every=1, warmup_steps=2, min_lr=0.05)", "constant")
    found = rates(name="chained", schedules=members, base_lr=0.2)
    assert found[:5] == pytest.approx([0.1, 0.2, 0.2, 0.1, 0.05])
    assert found[-1] == pytest.approx(0.05, rel=1e-15)
    whole = rates(name="chained", schedules=members, base_lr=0.2, warmup_steps=4, min_lr=0.06)
    assert whole[:9] == pytest.approx([0.05, 0.1, 0.15, 0.2, 0.1, 0.2, 0.2, 0.1, 0.06])


def test_compositions_are_members_too() -> None:
    inner = "sequential(schedules=('linear(start=0.1)', 'cosine'), milestones=(10,))"
    found = rates(name="chained", schedules=(inner, "step(decay_every=20)"))
    plain = rates(name="sequential", schedules=("linear(start=0.1)", "cosine"), milestones=(10,))
    assert found == pytest.approx([rate * 0.5 ** (t // 20) for t, rate in enumerate(plain)], rel=1e-15)


WITH_PLATEAUS = {"name": "chained", "schedules": ("linear(start=0.5)", "plateau(patience=0)", "plateau(factor=0.1)")}


class TestPlateau:
    """A plateau in a product hears the evaluations, and its state is in the checkpoint."""

    def test_the_rate_falls_by_both(self) -> None:
        rate, without = make(**WITH_PLATEAUS), make(name="linear", start=0.5)
        for loss in (1.0, 1.0, 1.0):
            rate.observe(loss)
        assert rate.lr(9) == pytest.approx(without.lr(9) * 0.25, rel=1e-15)
        rate.observe(1.0)
        assert rate.lr(9) == pytest.approx(without.lr(9) * 0.125 * 0.1, rel=1e-15)

    def test_the_state_round_trips_through_json(self) -> None:
        never_stopped, before, after = (make(**WITH_PLATEAUS) for _ in range(3))
        for loss in (2.0, 3.0, 3.0):
            never_stopped.observe(loss)
            before.observe(loss)
        saved = json.loads(json.dumps(before.state))
        check_decisions(saved, make(**WITH_PLATEAUS).state)
        after.load(saved)
        for loss in (1.5, 3.0, 3.0, 3.0):
            never_stopped.observe(loss)
            after.observe(loss)
        assert after.state == never_stopped.state
        assert after.lr(7) == never_stopped.lr(7)

    def test_a_product_inside_a_product_keeps_its_state(self) -> None:
        nested = {"name": "chained", "schedules": ("cosine", "chained(schedules=('constant', 'plateau(patience=0)'))")}
        before, after = make(**nested), make(**nested)
        for loss in (1.0, 2.0):
            before.observe(loss)
        assert before.state == {"1.1.multiplier": 0.5, "1.1.best": 1.0, "1.1.bad": 0}
        after.load(before.state)
        assert after.lr(3) == before.lr(3) == pytest.approx(0.5 * make(name="cosine").lr(3), rel=1e-15)

    def test_it_is_known_to_watch(self) -> None:
        assert Schedule(**WITH_PLATEAUS).watches_evaluations()
        assert Schedule(name="plateau").watches_evaluations()
        assert not Schedule(name="chained").watches_evaluations()

    def test_without_one_nothing_is_kept(self) -> None:
        assert make(name="chained").state == {}
