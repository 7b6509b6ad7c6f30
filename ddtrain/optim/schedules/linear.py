"""A straight line from one multiple of the base rate to another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ddtrain.optim.schedules.protocol import Decay, TimedSchedule
from ddtrain.parts import Range, register


def linear(t: float, length: float, start: float, end: float) -> float:
    """From ``start`` to ``end`` in the time ``length``, and flat from there: PyTorch's ``LinearLR``.

    >>> [round(linear(t, length=4, start=0.2, end=1.0), 3) for t in (0, 1, 4, 5)]
    [0.2, 0.4, 1.0, 1.0]
    """
    progress = min(1.0, t / length) if length > 0 else 1.0
    return start + (end - start) * progress


@register
@dataclass(frozen=True)
class Linear(TimedSchedule):
    """A straight line from ``start`` to ``end`` times the base rate, and flat from there.

    ``lr = base_lr · (start + (end - start) · min(1, t / length))``.

    References
    ----------
    Goodfellow, Bengio, Courville (2016), "Deep learning", section 8.3.1.
    """

    name: str = "linear"
    """The learning rate over time (t: time since the warm-up); PyTorch's LinearLR."""
    start: float = 1 / 3
    """Times the base rate, at first."""
    end: float = 1.0
    """Times the base rate, at the end of the line."""
    length: int = 0
    """Time from start to end; 0: to the end of the run, or of its part in a sequential schedule."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        return lambda t: linear(t, self.length or steps, self.start, self.end)

    def spans_run(self) -> bool:
        return self.length == 0

    def misfit(self, time: int) -> str:
        if self.length in (0, time):
            return ""
        what = "goes on beyond" if self.length > time else "ends before"
        return f"the line of {self.length} {self.unit}s {what} its {time} {self.unit}s"

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "start", self.start >= 0, "a finite number, 0 or more"
        yield "end", self.end >= 0, "a finite number, 0 or more"
        yield "length", self.length >= 0, "0 or more"
