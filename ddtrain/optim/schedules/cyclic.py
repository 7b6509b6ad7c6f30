"""Triangles: up and down again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ddtrain.optim.schedules.protocol import Decay, Schedule
from ddtrain.parts import Range, register


def cyclic(t: float, half_period: int, peak: float, anneal: float) -> float:
    """A triangle from 1 to ``peak`` and back, its height times ``anneal`` at each next one.

    >>> [cyclic(t, half_period=2, peak=3.0, anneal=0.5) for t in range(8)]
    [1.0, 2.0, 3.0, 2.0, 1.0, 1.5, 2.0, 1.5]
    """
    cycle, at = divmod(t, 2 * half_period)
    return 1.0 + (peak - 1.0) * float(anneal**cycle) * (1.0 - abs(at / half_period - 1.0))


@register
@dataclass(frozen=True)
class Cyclic(Schedule):
    """A triangle between the base rate and ``peak`` times it, up in ``half_period`` steps and down in as many.

    >>> decay = Cyclic(peak=3.0, half_period=2).decay(base_lr=0.1, steps=8)
    >>> [decay(t) for t in range(5)]
    [1.0, 2.0, 3.0, 2.0, 1.0]
    """

    name: str = "cyclic"
    """The learning rate over time (t: steps since the warm-up); Smith, arXiv:1506.01186, and PyTorch's CyclicLR."""
    peak: float = 10.0
    """The rate at the top of a triangle, as a multiple of the base rate."""
    half_period: int = 1000
    """Steps from the bottom to the top."""
    anneal: float = 1.0
    """Factor of the triangle's height from each triangle to the next; 0.5: PyTorch's triangular2."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        return lambda t: cyclic(t, self.half_period, self.peak, self.anneal)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "peak", self.peak >= 1, "at least 1"
        yield "half_period", self.half_period >= 1, "at least 1"
        yield "anneal", 0 < self.anneal <= 1, "above 0 and at most 1"
