"""What a schedule is: a part that makes a function of the step, which multiplies the base rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from ddtrain.parts import Part, Range

Decay = Callable[[float], float]  # maps the time since the warm-up to a multiplier of the base rate


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
    scale_lr: Literal["none", "linear", "sqrt"] = "none"
    """How the base rate follows --data.batch-size
    none: it is optim.lr
    linear: optim.lr times batch size / reference batch (Goyal et al., arXiv:1706.02677)
    sqrt: optim.lr times the root of that (Krizhevsky, arXiv:1404.5997)
    """
    reference_batch: int = 256
    """The batch size that optim.lr is for, if scale-lr is not none."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        """The multiplier of ``base_lr`` as a function of the steps since the warm-up, of which there are ``steps``."""
        raise NotImplementedError

    def multiplier(self, base_lr: float, steps: int, steps_per_epoch: int) -> Decay:
        """:meth:`decay` as a function of steps since the warm-up, whatever clock the schedule goes by."""
        return self.decay(base_lr, steps)

    def spans_run(self) -> bool:
        """Whether it is laid out over the whole run, so that its end comes with the run's."""
        return False

    def watches_evaluations(self) -> bool:
        """Whether it depends on the losses of evaluations."""
        return False

    def misfits(self, steps: int, steps_per_epoch: int) -> Iterator[str]:
        """What does not fit a run that takes ``steps`` steps after the warm-up, one text for each such thing."""
        return iter(())

    def floor(self, base_lr: float) -> float:
        """``min_lr`` as a multiplier of the base rate."""
        return self.min_lr / base_lr if base_lr else 0.0

    def scaled(self, lr: float, batch_size: int) -> float:
        """The base rate of a run with so many samples in a step, over all ranks.

        >>> rule = Schedule(scale_lr="sqrt", reference_batch=256)
        >>> rule.scaled(0.1, 1024), Schedule(scale_lr="linear").scaled(0.1, 64), Schedule().scaled(0.1, 64)
        (0.2, 0.025, 0.1)
        """
        if self.scale_lr == "none":
            return lr
        ratio = batch_size / self.reference_batch
        return lr * (ratio if self.scale_lr == "linear" else ratio**0.5)

    def ranges(self) -> Iterator[Range]:
        yield "warmup_steps", self.warmup_steps >= 0, "0 or more"
        yield "min_lr", self.min_lr >= 0, "a finite number, 0 or more"
        yield "reference_batch", self.reference_batch >= 1, "at least 1"


@dataclass(frozen=True)
class TimedSchedule(Schedule):
    """The base of schedules with times among their options, which are in steps or in epochs."""

    unit: Literal["step", "epoch"] = "step"
    """step: times are in steps, and the rate changes in every step
    epoch: times are in epochs since the warm-up, and the rate changes once an epoch, as if PyTorch's scheduler.step()
    stood after each
    """

    def multiplier(self, base_lr: float, steps: int, steps_per_epoch: int) -> Decay:
        decay, ticks = self.decay(base_lr, self.time(steps, steps_per_epoch)), self.ticks(steps_per_epoch)
        return lambda t: decay(t // ticks)

    def misfits(self, steps: int, steps_per_epoch: int) -> Iterator[str]:
        said = self.misfit(self.time(steps, steps_per_epoch))
        if said:
            yield said

    def misfit(self, time: int) -> str:
        """What does not fit a run that takes ``time`` units after the warm-up, in words; empty if all does."""
        return ""

    def ticks(self, steps_per_epoch: int) -> int:
        """The number of steps in a unit of time."""
        return steps_per_epoch if self.unit == "epoch" else 1

    def time(self, steps: int, steps_per_epoch: int) -> int:
        """Convert steps to units of time; the last unit may be cut short.

        >>> EveryDecay(unit="epoch").time(21, steps_per_epoch=10)
        3
        """
        return -(-steps // self.ticks(steps_per_epoch))


@dataclass(frozen=True)
class EveryDecay(TimedSchedule):
    """The base of schedules that decay by a factor in a given time."""

    decay_every: int = 1000
    """The time in which it decays by the factor."""
    factor: float = 0.5
    """Strength of the decay."""

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "decay_every", self.decay_every >= 1, "at least 1"
        yield "factor", self.factor > 0, "a finite number above 0"
