"""Staircases: the rate falls at once, every so many steps or at given ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ddtrain.optim.schedules.protocol import Decay, EveryDecay, Schedule
from ddtrain.parts import Range, register


def step(t: float, every: int, factor: float) -> float:
    """``factor`` at every ``every`` steps: a staircase.

    >>> [step(t, every=2, factor=0.5) for t in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    return float(factor ** (t // every))


@register
@dataclass(frozen=True)
class Step(EveryDecay):
    """A staircase: times ``factor`` every ``decay_every`` steps.

    >>> decay = Step(decay_every=2, factor=0.5).decay(base_lr=0.1, steps=8)
    >>> [decay(t) for t in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    name: str = "step"
    """The learning rate over time (t: steps since the warm-up)."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        return lambda t: step(t, self.decay_every, self.factor)


@register
@dataclass(frozen=True)
class MultiStep(Schedule):
    """Times ``factor`` at each of ``milestones``.

    >>> decay = MultiStep(milestones=(2, 3), factor=0.5).decay(base_lr=0.1, steps=8)
    >>> [decay(t) for t in range(5)]
    [1.0, 1.0, 0.5, 0.25, 0.25]
    """

    name: str = "multi_step"
    """The learning rate over time (t: steps since the warm-up); PyTorch's MultiStepLR."""
    milestones: tuple[int, ...] = (1000,)
    """Steps since the warm-up, in rising order."""
    factor: float = 0.1
    """Factor of the rate at each milestone."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        return lambda t: float(self.factor ** sum(t >= m for m in self.milestones))

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        rising = all(a < b for a, b in zip((0, *self.milestones), self.milestones, strict=False))
        yield "milestones", rising and bool(self.milestones), "steps above 0 in rising order"
        yield "factor", self.factor > 0, "a finite number above 0"
