"""One rise and one fall over the whole run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ddtrain.optim.schedules.cosine import cosine
from ddtrain.optim.schedules.protocol import Decay, Schedule
from ddtrain.parts import Range, register


def one_cycle(t: float, total: float, start: float, end: float, rise: float) -> float:
    """From ``start`` up to 1 over ``rise`` of the steps, then down to ``end`` at the last of ``total``, along cosines.

    As PyTorch's ``OneCycleLR``, whose top is at step ``rise * total − 1``.

    >>> [round(one_cycle(t, total=10, start=0.1, end=0.0, rise=0.3), 3) for t in (0, 1, 2, 9, 20)]
    [0.1, 0.55, 1.0, 0.0, 0.0]
    """
    top, last = rise * total - 1.0, total - 1.0
    if t <= top:
        return start + (1.0 - start) * (1.0 - cosine(t, top))
    return cosine(t - top, last - top, end)


@register
@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up from ``start`` of the base rate to all of it, then down to ``end`` of it, along cosines, over the run.

    >>> decay = OneCycle(start=0.1, end=0.0, rise=0.3).decay(base_lr=0.1, steps=10)
    >>> [round(decay(t), 3) for t in (0, 2, 9)]
    [0.1, 1.0, 0.0]
    """

    name: str = "one_cycle"
    """The learning rate over time (t: steps since the warm-up); Smith, Topin, arXiv:1708.07120."""
    start: float = 0.04
    """The rate at the first step, as a fraction of the base rate."""
    end: float = 4e-6
    """The rate at the last step, as a fraction of the base rate."""
    rise: float = 0.3
    """The part of the steps in which the rate rises."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        return lambda t: one_cycle(t, steps, self.start, self.end, self.rise)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "start", 0 < self.start <= 1, "above 0 and at most 1"
        yield "end", 0 <= self.end <= 1, "at least 0 and at most 1"
        yield "rise", 0 < self.rise < 1, "above 0 and below 1"
