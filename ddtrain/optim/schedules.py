"""Learning rates as pure functions of the step, with a linear warm-up before any of them.

A schedule is a multiplier of the base rate: ``decay(t)`` for t steps after the warm-up, 1 at t = 0. Only the
plateau keeps state, fed by evaluations and saved in checkpoints; all others depend on the step alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

from ddtrain.errors import UsageError, quoted
from ddtrain.optim.protocol import made


class ScheduleConfig(Protocol):
    """The options a schedule may read: the section ``schedule`` of the configuration."""

    @property
    def name(self) -> str: ...
    @property
    def warmup_steps(self) -> int: ...
    @property
    def decay_every(self) -> int: ...
    @property
    def factor(self) -> float: ...
    @property
    def min_lr(self) -> float: ...
    @property
    def patience(self) -> int: ...


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


class Schedule:
    """A base rate, a warm-up over the first ``warmup_steps`` steps, and a decay after it.

    Parameters
    ----------
    base_lr : the rate that the multiplier multiplies
    decay : multiplier at t steps after the warm-up
    warmup_steps : the rate rises linearly, base_lr / warmup_steps at step 0, base_lr at step warmup_steps − 1
    min_lr : no decayed rate is lower; the warm-up may be

    >>> schedule = Schedule(0.1, constant, warmup_steps=4)
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


# Makers by name, from the options, the base rate, and the steps after the warm-up.
SCHEDULES: dict[str, Callable[[ScheduleConfig, float, int], Callable[[float], float]]] = {
    "constant": lambda c, base_lr, steps: constant,
    "step": lambda c, base_lr, steps: lambda t: step(t, c.decay_every, c.factor),
    "exponential": lambda c, base_lr, steps: lambda t: exponential(t, c.decay_every, c.factor),
    "inverse": lambda c, base_lr, steps: lambda t: inverse(t, c.decay_every, c.factor),
    "cosine": lambda c, base_lr, steps: lambda t: cosine(t, steps, c.min_lr / base_lr if base_lr else 0.0),
    "plateau": lambda c, base_lr, steps: Plateau(c.factor, c.patience),
}


def make(config: ScheduleConfig, base_lr: float, total_steps: int) -> Schedule:
    """The schedule that the section ``schedule`` asks for.

    Parameters
    ----------
    config : the section; each schedule reads the options it has
    base_lr : ``optim.lr``
    total_steps : steps of the whole run, warm-up included, after which the cosine has arrived at ``min_lr``

    Raises
    ------
    UsageError : a name that is not in the table, or an entry that makes no function of the step.

    >>> from types import SimpleNamespace
    >>> config = SimpleNamespace(name="cosine", warmup_steps=2, min_lr=0.0)
    >>> [round(make(config, 1.0, total_steps=6).lr(t), 3) for t in range(7)]
    [0.5, 1.0, 1.0, 0.854, 0.5, 0.146, 0.0]
    """
    if config.name not in SCHEDULES:
        raise UsageError(
            f"--schedule.name {quoted(config.name)} is not known", remedy=f"Choose among {', '.join(SCHEDULES)}."
        )
    entry, args = f"SCHEDULES[{config.name!r}]", (config, base_lr, total_steps - config.warmup_steps)
    decay = made(entry, SCHEDULES[config.name], args, ("__call__",), "a function of the step")
    return Schedule(base_lr, decay, warmup_steps=config.warmup_steps, min_lr=config.min_lr)
