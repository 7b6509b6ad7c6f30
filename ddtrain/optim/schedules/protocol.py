"""What a schedule is: a part that makes a function of the step, which multiplies the base rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ddtrain.parts import Part, Range

Decay = Callable[[float], float]  # maps steps since the warm-up to a multiplier of the base rate


@dataclass(frozen=True)
class Schedule(Part, kind="schedule", default="constant"):
    """The base of schedules: ``Schedule(name="cosine", warmup_steps=50)`` makes the one of that name.

    >>> from ddtrain.optim.schedules import Schedule
    >>> cosine = Schedule(name="cosine", warmup_steps=50)
    >>> type(cosine).__name__, cosine.decay(base_lr=0.1, steps=100)(0)
    ('Cosine', 1.0)
    """

    name: str = ""
    warmup_steps: int = 0
    """Steps over which the rate rises linearly to its base."""
    min_lr: float = 0.0
    """The rate never decays below this."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        """The multiplier of ``base_lr`` as a function of the steps since the warm-up, of which there are ``steps``."""
        raise NotImplementedError

    def floor(self, base_lr: float) -> float:
        """``min_lr`` as a multiplier of the base rate."""
        return self.min_lr / base_lr if base_lr else 0.0

    def ranges(self) -> Iterator[Range]:
        yield "warmup_steps", self.warmup_steps >= 0, "0 or more"
        yield "min_lr", self.min_lr >= 0, "a finite number, 0 or more"


@dataclass(frozen=True)
class EveryDecay(Schedule):
    """The base of schedules that decay by a factor in a unit of time."""

    decay_every: int = 1000
    """The unit of time, in steps."""
    factor: float = 0.5
    """Strength of the decay."""

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "decay_every", self.decay_every >= 1, "at least 1"
        yield "factor", self.factor > 0, "a finite number above 0"
