"""Schedules made of others: what ``chained`` and ``sequential`` share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ddtrain import part_calls
from ddtrain.optim.schedules.learning_rate import LearningRate
from ddtrain.optim.schedules.protocol import Schedule
from ddtrain.parts import Range


@dataclass(frozen=True)
class Composition(Schedule):
    """A schedule made of others, each with its own options, clock, warm-up and floor."""

    schedules: tuple[str, ...] = ("linear(start=0.1)",)
    """Schedules as calls with their options, such as 'linear(start=0.1, length=100)' cosine."""

    def members(self) -> list[Schedule]:
        """The schedules that this one is made of."""
        return parse(self.schedules)

    def watches_evaluations(self) -> bool:
        return any(member.watches_evaluations() for member in self.members())

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "schedules", bool(self.members()), "at least one schedule"


def parse(texts: Sequence[str]) -> list[Schedule]:
    """The schedules that texts name, each text one or several with commas between.

    >>> [schedule.name for schedule in parse(["linear(start=0.1), cosine"])]
    ['linear', 'cosine']
    """
    of_the_whole = ("scale_lr", "reference_batch")  # members have no use for these options
    return part_calls.parse(
        Schedule, texts, "--schedule.schedules", "linear(start=0.1, length=100), cosine", of_the_whole
    )


def relative_rate(member: Schedule, base_lr: float, steps: int, steps_per_epoch: int) -> LearningRate:
    """A member's multiplier of ``base_lr`` over ``steps`` steps, its warm-up and its floor included."""
    after_warmup = max(0, steps - member.warmup_steps)
    return LearningRate(
        1.0,
        member.multiplier(base_lr, after_warmup, steps_per_epoch),
        warmup_steps=member.warmup_steps,
        min_lr=member.floor(base_lr),
    )


def member_misfits(member: Schedule, steps: int, steps_per_epoch: int) -> Iterator[str]:
    """What of a member does not fit the ``steps`` steps that it has."""
    if member.warmup_steps > steps:
        yield f"{member.name}: the warm-up of {member.warmup_steps} steps is longer than its {steps} steps"
    else:
        for misfit in member.misfits(steps - member.warmup_steps, steps_per_epoch):
            yield f"{member.name}: {misfit}"
