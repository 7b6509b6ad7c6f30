"""Half a cosine, once or again and again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ddtrain.optim.schedules.protocol import Decay, TimedSchedule
from ddtrain.parts import Range, register


def cosine(t: float, total: float, floor: float = 0.0) -> float:
    """Half a cosine from 1 down to ``floor`` over ``total`` steps (Loshchilov, Hutter, arXiv:1608.03983), then flat.

    At t = ``total``, one after the last of so many steps, it has arrived: PyTorch's ``CosineAnnealingLR(T_max=total)``.

    >>> [round(cosine(t, total=4), 3) for t in (0, 2, 4, 5)]
    [1.0, 0.5, 0.0, 0.0]
    """
    progress = min(1.0, t / total) if total > 0 else 1.0
    return floor + (1.0 - floor) * 0.5 * (1.0 + math.cos(math.pi * progress))


@register
@dataclass(frozen=True)
class Cosine(TimedSchedule):
    """Half a cosine down to ``min_lr``, which the step after the last would have.

    >>> decay = Cosine(min_lr=0.01).decay(base_lr=0.1, steps=4)
    >>> [round(decay(t), 3) for t in (0, 2, 4)]
    [1.0, 0.55, 0.1]
    """

    name: str = "cosine"
    """The learning rate over time (t: time since the warm-up); PyTorch's CosineAnnealingLR with T_max as long."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        floor = self.floor(base_lr)
        return lambda t: cosine(t, steps, floor)

    def spans_run(self) -> bool:
        return True


def cosine_restarts(t: float, period: int, lengthen: int, floor: float = 0.0) -> float:
    """:func:`cosine` over ``period`` steps, anew after each, every next one ``lengthen`` times as long.

    Loshchilov, Hutter, "SGDR", arXiv:1608.03983.

    >>> [round(cosine_restarts(t, period=2, lengthen=2), 3) for t in range(7)]
    [1.0, 0.5, 1.0, 0.854, 0.5, 0.146, 1.0]
    """
    length = float(period)
    while t >= length:
        t -= length
        length *= lengthen
    return cosine(t, length, floor)


@register
@dataclass(frozen=True)
class CosineRestarts(TimedSchedule):
    """A cosine that begins anew: after ``period``, then after ``lengthen`` times as long, and so on.

    >>> decay = CosineRestarts(period=2).decay(base_lr=0.1, steps=4)
    >>> [round(decay(t), 3) for t in range(4)]
    [1.0, 0.5, 1.0, 0.5]
    """

    name: str = "cosine_restarts"
    """The learning rate over time (t: time since the warm-up); PyTorch's CosineAnnealingWarmRestarts."""
    period: int = 1000
    """Time of the first cosine."""
    lengthen: int = 1
    """How many times as long as the last each next one is."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        floor = self.floor(base_lr)
        return lambda t: cosine_restarts(t, self.period, self.lengthen, floor)

    def misfit(self, time: int) -> str:
        length, rest = self.period, time
        while rest > length:
            rest, length = rest - length, length * self.lengthen
        return f"the last cosine ends after {rest} of {length} {self.unit}s" if 0 < rest < length else ""

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "period", self.period >= 1, "at least 1"
        yield "lengthen", self.lengthen >= 1, "at least 1"
