"""Several schedules one after another."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from ddtrain.optim.schedules.composed.composition import Composition, member_misfits, relative_rate
from ddtrain.optim.schedules.protocol import Decay, Schedule, TimedSchedule
from ddtrain.optim.schedules.step import beyond
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class Sequential(Composition, TimedSchedule):
    """Several schedules one after another: each begins anew at its milestone, and ends at the next.

    A schedule that would be laid out over the run is laid out over its part of it.

    Examples
    --------
    >>> from ddtrain.optim.schedules import make
    >>> rate = make(Sequential(schedules=("linear(start=0.5)", "polynomial"), milestones=(2,)), 1.0, total_steps=6)
    >>> [rate.lr(t) for t in range(6)]
    [0.5, 0.75, 1.0, 0.75, 0.5, 0.25]
    """

    name: str = "sequential"
    """The learning rate over time (t: time since the warm-up); PyTorch's SequentialLR."""
    schedules: tuple[str, ...] = ("linear(start=0.1)", "cosine")
    """Schedules as calls with their options, such as 'linear(start=0.1)' 'cosine(min_lr=1e-4)'."""
    milestones: tuple[int, ...] = (100,)
    """Times since the warm-up at which the second schedule begins, the third, and so on."""

    def multiplier(self, base_lr: float, steps: int, steps_per_epoch: int) -> Decay:
        starts = [begin for _, begin, _ in self._spans(steps, steps_per_epoch)]
        rates = [
            relative_rate(member, base_lr, length, steps_per_epoch)
            for member, _, length in self._spans(steps, steps_per_epoch)
        ]

        def multiplier(t: float) -> float:
            at = bisect_right(starts, t) - 1
            return rates[at].lr(int(t) - starts[at])

        return multiplier

    def spans_run(self) -> bool:
        return self.members()[-1].spans_run()

    def misfits(self, steps: int, steps_per_epoch: int) -> Iterator[str]:
        if late := beyond(self.milestones, self.time(steps, steps_per_epoch), self.unit):
            yield late
        for member, begin, length in self._spans(steps, steps_per_epoch):
            if begin < steps:
                yield from member_misfits(member, length, steps_per_epoch)

    def _spans(self, steps: int, steps_per_epoch: int) -> list[tuple[Schedule, int, int]]:
        """Each member, the step at which it begins, and how many steps it has."""
        begins = [0, *(milestone * self.ticks(steps_per_epoch) for milestone in self.milestones)]
        ends = [*begins[1:], max(steps, begins[-1])]
        return [(member, begin, end - begin) for member, begin, end in zip(self.members(), begins, ends, strict=True)]

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        members = self.members()
        clocks = "schedules that go by time alone; what watches evaluations goes beside them, in a chained one"
        yield "schedules", not self.watches_evaluations(), clocks
        rising = all(a < b for a, b in zip((0, *self.milestones), self.milestones, strict=False))
        between = f"times above 0 in rising order, one fewer than the {len(members)} schedules"
        yield "milestones", rising and len(self.milestones) == len(members) - 1, between
