"""Staircases: the rate falls at once, every so many steps or at given ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ddtrain.optim.schedules.protocol import Decay, EveryDecay, TimedSchedule
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
    """A staircase: times ``factor`` every ``decay_every``.

    ``lr = base_lr · factor ** floor(t / decay_every)``.

    References
    ----------
    Szegedy et al. (2014), "Going deeper with convolutions", arXiv:1409.4842, section 6: 4 % every 8 epochs.

    >>> decay = Step(decay_every=2, factor=0.5).decay(base_lr=0.1, steps=8)
    >>> [decay(t) for t in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    name: str = "step"
    """The learning rate over time (t: time since the warm-up)."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        return lambda t: step(t, self.decay_every, self.factor)

    def misfit(self, time: int) -> str:
        if 0 < time <= self.decay_every:
            return f"the rate never falls: it would after {self.decay_every} {self.unit}s, and has {time}"
        return ""


def beyond(milestones: Sequence[int], time: int, unit: str) -> str:
    """Which milestones a run of so much time never reaches; empty if it reaches all.

    >>> beyond((2, 5, 9), 5, "epoch")
    'milestones 5, 9 are beyond its 5 epochs'
    """
    late = [str(milestone) for milestone in milestones if milestone >= time]
    subject = f"milestone {late[0]} is" if len(late) == 1 else f"milestones {', '.join(late)} are"
    return f"{subject} beyond its {time} {unit}s" if late else ""


@register
@dataclass(frozen=True)
class MultiStep(TimedSchedule):
    """Times ``factor`` at each of ``milestones``.

    ``lr = base_lr · factor ** n`` after n of the milestones.

    References
    ----------
    He, Zhang, Ren, Sun (2015), "Deep residual learning", arXiv:1512.03385, section 4.2: at 32,000 and 48,000 steps.

    >>> decay = MultiStep(milestones=(2, 3), factor=0.5).decay(base_lr=0.1, steps=8)
    >>> [decay(t) for t in range(5)]
    [1.0, 1.0, 0.5, 0.25, 0.25]
    """

    name: str = "multi_step"
    """The learning rate over time (t: time since the warm-up); PyTorch's MultiStepLR."""
    milestones: tuple[int, ...] = (1000,)
    """Times since the warm-up, in rising order."""
    factor: float = 0.1
    """Factor of the rate at each milestone."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        return lambda t: float(self.factor ** sum(t >= m for m in self.milestones))

    def misfit(self, time: int) -> str:
        return beyond(self.milestones, time, self.unit)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        rising = all(a < b for a, b in zip((0, *self.milestones), self.milestones, strict=False))
        yield "milestones", rising and bool(self.milestones), "times above 0 in rising order"
        yield "factor", self.factor > 0, "a finite number above 0"
