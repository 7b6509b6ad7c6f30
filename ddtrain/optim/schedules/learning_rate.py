"""A schedule at work: a base rate, a warm-up, and a decay after it."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from ddtrain.optim.schedules.protocol import Decay, Schedule
from ddtrain.optim.schedules.run_length import require_warmup_within


@runtime_checkable
class Observer(Protocol):
    """A decay that depends on the losses of evaluations, and so has a state."""

    state: dict[str, Any]

    def observe(self, valid_loss: float) -> None:
        """Take note of an evaluation."""


class LearningRate:
    """A base rate, a warm-up over the first ``warmup_steps`` steps, and a decay after it.

    Parameters
    ----------
    base_lr : the rate that the multiplier multiplies
    decay : multiplier at t steps after the warm-up
    warmup_steps : the rate rises linearly, base_lr / warmup_steps at step 0, base_lr at step warmup_steps − 1
    min_lr : no decayed rate is lower; the warm-up may be

    >>> schedule = LearningRate(0.1, lambda t: 1.0, warmup_steps=4)
    >>> [round(schedule.lr(t), 3) for t in range(5)]
    [0.025, 0.05, 0.075, 0.1, 0.1]
    """

    def __init__(self, base_lr: float, decay: Decay, *, warmup_steps: int = 0, min_lr: float = 0.0) -> None:
        self.base_lr, self.warmup_steps, self.min_lr = base_lr, warmup_steps, min_lr
        self._decay = decay

    def lr(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        if step < self.warmup_steps:
            return self.base_lr * (step + 1) / self.warmup_steps
        return max(self.min_lr, self.base_lr * self._decay(step - self.warmup_steps))

    def observe(self, valid_loss: float) -> None:
        """Take note of an evaluation, which changes the plateau alone."""
        if isinstance(self._decay, Observer):
            self._decay.observe(valid_loss)

    @property
    def state(self) -> dict[str, Any]:
        """The state that a checkpoint must hold; empty except for plateaus. JSON-able."""
        return dict(self._decay.state) if isinstance(self._decay, Observer) else {}

    def load(self, state: dict[str, Any]) -> None:
        """Load the state of a saved schedule; that of another schedule is ignored."""
        if isinstance(self._decay, Observer) and state.keys() == self._decay.state.keys():
            self._decay.state = dict(state)


def make(schedule: Schedule, base_lr: float, total_steps: int, steps_per_epoch: int = 1) -> LearningRate:
    """The learning rate that the section ``schedule`` asks for.

    Parameters
    ----------
    schedule : the section
    base_lr : ``optim.lr``, scaled by the rule that the section may have for it
    total_steps : steps of the whole run, warm-up included, after which the cosine has arrived at ``min_lr``
    steps_per_epoch : of what goes by epochs

    Raises
    ------
    UsageError : the warm-up is longer than the run

    >>> from ddtrain.optim.schedules import cosine
    >>> rate = make(Schedule(name="cosine", warmup_steps=2), 1.0, total_steps=6)
    >>> [round(rate.lr(t), 3) for t in range(7)]
    [0.5, 1.0, 1.0, 0.854, 0.5, 0.146, 0.0]
    """
    require_warmup_within(schedule, total_steps)
    decay = schedule.multiplier(base_lr, total_steps - schedule.warmup_steps, steps_per_epoch)
    return LearningRate(base_lr, decay, warmup_steps=schedule.warmup_steps, min_lr=schedule.min_lr)
