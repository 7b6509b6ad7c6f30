"""Learning rates as pure functions of the step, with a linear warm-up before any of them.

A schedule is a multiplier of the base rate: ``decay(t)`` for t steps after the warm-up, 1 at t = 0. Only the
plateau keeps state, fed by evaluations and saved in checkpoints; all others depend on the step alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ddtrain.parts import Part, Range, register

Decay = Callable[[float], float]  # steps since the warm-up to the multiplier of the base rate


def constant(t: float) -> float:
    """1, always."""
    return 1.0


def step(t: float, every: int, factor: float) -> float:
    """``factor`` at every ``every`` steps: a staircase.

    >>> [step(t, every=2, factor=0.5) for t in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    return float(factor ** (t // every))


def exponential(t: float, every: int, factor: float) -> float:
    """The staircase made smooth: a fall by ``factor`` over any ``every`` steps.

    >>> [exponential(t, every=2, factor=0.25) for t in range(3)]
    [1.0, 0.5, 0.25]
    """
    return float(factor ** (t / every))


def inverse(t: float, every: int, factor: float) -> float:
    """1 / (1 + factor · t / every), slow enough for convergence by Robbins and Monro (1951).

    >>> [inverse(t, every=2, factor=1.0) for t in (0, 2, 6)]
    [1.0, 0.5, 0.25]
    """
    return 1.0 / (1.0 + factor * t / every)


def cosine(t: float, total: float, floor: float = 0.0) -> float:
    """Half a cosine from 1 down to ``floor`` over ``total`` steps (Loshchilov, Hutter, arXiv:1608.03983), then flat.

    At t = ``total``, one after the last of so many steps, it has arrived: PyTorch's ``CosineAnnealingLR(T_max=total)``.

    >>> [round(cosine(t, total=4), 3) for t in (0, 2, 4, 5)]
    [1.0, 0.5, 0.0, 0.0]
    """
    progress = min(1.0, t / total) if total > 0 else 1.0
    return floor + (1.0 - floor) * 0.5 * (1.0 + math.cos(math.pi * progress))


def polynomial(t: float, total: float, power: float, floor: float = 0.0) -> float:
    """(1 − t / total) ** power, from 1 down to ``floor``.

    >>> [polynomial(t, total=4, power=1.0) for t in (0, 1, 4, 5)]
    [1.0, 0.75, 0.0, 0.0]
    """
    progress = min(1.0, t / total) if total > 0 else 1.0
    return floor + (1.0 - floor) * float((1.0 - progress) ** power)


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


def cyclic(t: float, half_period: int, peak: float, anneal: float) -> float:
    """A triangle from 1 to ``peak`` and back, its height times ``anneal`` at each next one.

    >>> [cyclic(t, half_period=2, peak=3.0, anneal=0.5) for t in range(8)]
    [1.0, 2.0, 3.0, 2.0, 1.0, 1.5, 2.0, 1.5]
    """
    cycle, at = divmod(t, 2 * half_period)
    return 1.0 + (peak - 1.0) * float(anneal**cycle) * (1.0 - abs(at / half_period - 1.0))


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


class Plateau:
    """``factor`` each time more than ``patience`` evaluations in a row were no better than the best before.

    >>> plateau = Plateau(factor=0.5, patience=1)
    >>> for valid_loss in (3.0, 2.0, 2.5, 2.0):
    ...     plateau.observe(valid_loss)
    >>> plateau(0)
    0.5
    """

    def __init__(self, factor: float, patience: int) -> None:
        self.factor, self.patience = factor, patience
        self.state: dict[str, Any] = {"multiplier": 1.0, "best": None, "bad": 0}

    def __call__(self, t: float) -> float:
        multiplier: float = self.state["multiplier"]
        return multiplier

    def observe(self, valid_loss: float) -> None:
        """Take note of an evaluation; a NaN counts as no improvement."""
        state = self.state
        if math.isfinite(valid_loss) and (state["best"] is None or valid_loss < state["best"]):
            state["best"], state["bad"] = valid_loss, 0
            return
        state["bad"] += 1
        if state["bad"] > self.patience:
            state["multiplier"], state["bad"] = state["multiplier"] * self.factor, 0


class LearningRate:
    """A base rate, a warm-up over the first ``warmup_steps`` steps, and a decay after it.

    Parameters
    ----------
    base_lr : the rate that the multiplier multiplies
    decay : multiplier at t steps after the warm-up
    warmup_steps : the rate rises linearly, base_lr / warmup_steps at step 0, base_lr at step warmup_steps − 1
    min_lr : no decayed rate is lower; the warm-up may be

    >>> schedule = LearningRate(0.1, constant, warmup_steps=4)
    >>> [round(schedule.lr(t), 3) for t in range(5)]
    [0.025, 0.05, 0.075, 0.1, 0.1]
    """

    def __init__(
        self, base_lr: float, decay: Callable[[float], float], *, warmup_steps: int = 0, min_lr: float = 0.0
    ) -> None:
        self.base_lr, self.warmup_steps, self.min_lr = base_lr, warmup_steps, min_lr
        self._decay = decay

    def lr(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        if step < self.warmup_steps:
            return self.base_lr * (step + 1) / self.warmup_steps
        return max(self.min_lr, self.base_lr * self._decay(step - self.warmup_steps))

    def observe(self, valid_loss: float) -> None:
        """Take note of an evaluation: only the plateau listens."""
        if isinstance(self._decay, Plateau):
            self._decay.observe(valid_loss)

    @property
    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold: empty but for the plateau. JSON-able."""
        return dict(self._decay.state) if isinstance(self._decay, Plateau) else {}

    def load(self, state: dict[str, Any]) -> None:
        """Take up the state of a saved schedule; one of another kind is ignored: the others keep none."""
        if isinstance(self._decay, Plateau) and state:
            self._decay.state = dict(state)


@dataclass(frozen=True)
class Schedule(Part, kind="schedule", default="constant"):
    """The base of schedules: ``Schedule(name="cosine", warmup_steps=50)`` makes the one of that name."""

    name: str = ""
    warmup_steps: int = 0
    """Steps over which the rate rises linearly to its base."""
    min_lr: float = 0.0
    """The rate never decays below this."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        """The multiplier of ``base_lr``, of which ``steps`` steps follow the warm-up."""
        raise NotImplementedError

    def ranges(self) -> Iterator[Range]:
        yield "warmup_steps", self.warmup_steps >= 0, "0 or more"
        yield "min_lr", self.min_lr >= 0, "a finite number, 0 or more"


@register
@dataclass(frozen=True)
class Constant(Schedule):
    """The base rate, always."""

    name: str = "constant"
    """The learning rate over time (t: steps since the warm-up)."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        return constant


@dataclass(frozen=True)
class _Every(Schedule):
    decay_every: int = 1000
    """The unit of time, in steps."""
    factor: float = 0.5
    """Strength of the decay."""

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "decay_every", self.decay_every >= 1, "at least 1"
        yield "factor", self.factor > 0, "a finite number above 0"


@register
@dataclass(frozen=True)
class Step(_Every):
    """A staircase: times ``factor`` every ``decay_every`` steps."""

    name: str = "step"
    """The learning rate over time (t: steps since the warm-up)."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        return lambda t: step(t, self.decay_every, self.factor)


@register
@dataclass(frozen=True)
class Exponential(_Every):
    """Times ``factor ** (t / decay_every)``: the lectures' α₀ exp(−k t) with k = −ln(factor) / decay_every."""

    name: str = "exponential"
    """The learning rate over time (t: steps since the warm-up)."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        return lambda t: exponential(t, self.decay_every, self.factor)


@register
@dataclass(frozen=True)
class Inverse(_Every):
    """Divided by ``1 + factor * t / decay_every``."""

    name: str = "inverse"
    """The learning rate over time (t: steps since the warm-up)."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        return lambda t: inverse(t, self.decay_every, self.factor)


@register
@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine down to ``min_lr``, which the step after the last would have."""

    name: str = "cosine"
    """The learning rate over time (t: steps since the warm-up); PyTorch's CosineAnnealingLR with T_max steps."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        floor = self.min_lr / base_lr if base_lr else 0.0
        return lambda t: cosine(t, steps, floor)


@register
@dataclass(frozen=True)
class Polynomial(Schedule):
    """(1 − t / steps) ** power down to ``min_lr``, and flat from there; linear with power 1."""

    name: str = "polynomial"
    """The learning rate over time (t: steps since the warm-up); PyTorch's PolynomialLR."""
    power: float = 1.0
    """Of the fall; 1: a straight line."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        floor = self.min_lr / base_lr if base_lr else 0.0
        return lambda t: polynomial(t, steps, self.power, floor)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "power", self.power > 0, "a finite number above 0"


@register
@dataclass(frozen=True)
class CosineRestarts(Schedule):
    """A cosine that begins anew: over ``period`` steps, then ``lengthen`` times as many, and so on."""

    name: str = "cosine_restarts"
    """The learning rate over time (t: steps since the warm-up); PyTorch's CosineAnnealingWarmRestarts."""
    period: int = 1000
    """Steps of the first cosine."""
    lengthen: int = 1
    """How many times as long as the last each next one is."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        floor = self.min_lr / base_lr if base_lr else 0.0
        return lambda t: cosine_restarts(t, self.period, self.lengthen, floor)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "period", self.period >= 1, "at least 1"
        yield "lengthen", self.lengthen >= 1, "at least 1"


@register
@dataclass(frozen=True)
class MultiStep(Schedule):
    """Times ``factor`` at each of ``milestones``."""

    name: str = "multi_step"
    """The learning rate over time (t: steps since the warm-up); PyTorch's MultiStepLR."""
    milestones: tuple[int, ...] = (1000,)
    """Steps since the warm-up, in rising order."""
    factor: float = 0.1
    """Of the rate at each."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        return lambda t: float(self.factor ** sum(t >= m for m in self.milestones))

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        rising = all(a < b for a, b in zip((0, *self.milestones), self.milestones, strict=False))
        yield "milestones", rising and bool(self.milestones), "steps above 0 in rising order"
        yield "factor", self.factor > 0, "a finite number above 0"


@register
@dataclass(frozen=True)
class Cyclic(Schedule):
    """A triangle between the base rate and ``peak`` times it, up in ``half_period`` steps and down in as many."""

    name: str = "cyclic"
    """The learning rate over time (t: steps since the warm-up); Smith, arXiv:1506.01186, and PyTorch's CyclicLR."""
    peak: float = 10.0
    """Times the base rate, at the top of a triangle."""
    half_period: int = 1000
    """Steps from the bottom to the top."""
    anneal: float = 1.0
    """Of the triangle's height, at each next one; 0.5: PyTorch's triangular2."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        return lambda t: cyclic(t, self.half_period, self.peak, self.anneal)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "peak", self.peak >= 1, "at least 1"
        yield "half_period", self.half_period >= 1, "at least 1"
        yield "anneal", 0 < self.anneal <= 1, "above 0 and at most 1"


@register
@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up from ``start`` of the base rate to all of it, then down to ``end`` of it, along cosines, over the run."""

    name: str = "one_cycle"
    """The learning rate over time (t: steps since the warm-up); Smith, Topin, arXiv:1708.07120."""
    start: float = 0.04
    """Of the base rate, at the first step."""
    end: float = 4e-6
    """Of the base rate, at the last step."""
    rise: float = 0.3
    """The part of the steps in which the rate rises."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        return lambda t: one_cycle(t, steps, self.start, self.end, self.rise)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "start", 0 < self.start <= 1, "above 0 and at most 1"
        yield "end", 0 <= self.end <= 1, "at least 0 and at most 1"
        yield "rise", 0 < self.rise < 1, "above 0 and below 1"


@register
@dataclass(frozen=True)
class ReduceOnPlateau(Schedule):
    """Times ``factor`` whenever the validation loss has not fallen for long."""

    name: str = "plateau"
    """The learning rate over time (t: steps since the warm-up)."""
    factor: float = 0.5
    """Of the rate, each time."""
    patience: int = 2
    """Evaluations in a row without a better validation loss that are put up with."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        return Plateau(self.factor, self.patience)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "factor", self.factor > 0, "a finite number above 0"
        yield "patience", self.patience >= 0, "0 or more"


def make(schedule: Schedule, base_lr: float, total_steps: int) -> LearningRate:
    """The learning rate that the section ``schedule`` asks for.

    Parameters
    ----------
    schedule : the section
    base_lr : ``optim.lr``
    total_steps : steps of the whole run, warm-up included, after which the cosine has arrived at ``min_lr``

    >>> rate = make(Schedule(name="cosine", warmup_steps=2), 1.0, total_steps=6)
    >>> [round(rate.lr(t), 3) for t in range(7)]
    [0.5, 1.0, 1.0, 0.854, 0.5, 0.146, 0.0]
    """
    decay = schedule.decay(base_lr, total_steps - schedule.warmup_steps)
    return LearningRate(base_lr, decay, warmup_steps=schedule.warmup_steps, min_lr=schedule.min_lr)
