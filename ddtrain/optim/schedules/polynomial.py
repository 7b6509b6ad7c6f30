"""A fall as a power of the steps that are left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ddtrain.optim.schedules.protocol import Decay, Schedule
from ddtrain.parts import Range, register


def polynomial(t: float, total: float, power: float, floor: float = 0.0) -> float:
    """(1 − t / total) ** power, from 1 down to ``floor``.

    >>> [polynomial(t, total=4, power=1.0) for t in (0, 1, 4, 5)]
    [1.0, 0.75, 0.0, 0.0]
    """
    progress = min(1.0, t / total) if total > 0 else 1.0
    return floor + (1.0 - floor) * float((1.0 - progress) ** power)


@register
@dataclass(frozen=True)
class Polynomial(Schedule):
    """(1 − t / steps) ** power down to ``min_lr``, and flat from there; linear with power 1.

    >>> decay = Polynomial(power=2.0).decay(base_lr=0.1, steps=4)
    >>> [decay(t) for t in (0, 2, 4)]
    [1.0, 0.25, 0.0]
    """

    name: str = "polynomial"
    """The learning rate over time (t: steps since the warm-up); PyTorch's PolynomialLR."""
    power: float = 1.0
    """Power of the fall; 1: a straight line."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        floor = self.floor(base_lr)
        return lambda t: polynomial(t, steps, self.power, floor)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "power", self.power > 0, "a finite number above 0"
