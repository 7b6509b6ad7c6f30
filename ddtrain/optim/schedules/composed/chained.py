"""Several schedules at once: the product of what they say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ddtrain.optim.schedules.composed.composition import Composition, member_misfits, relative_rate
from ddtrain.optim.schedules.learning_rate import LearningRate
from ddtrain.optim.schedules.protocol import Decay
from ddtrain.parts import register


class Product:
    """The product of multipliers, which hear of evaluations and keep their states.

    >>> halves = [LearningRate(1.0, lambda t: 0.5), LearningRate(1.0, lambda t: 1 / (1 + t))]
    >>> Product(halves)(3)
    0.125
    """

    def __init__(self, rates: Sequence[LearningRate]) -> None:
        self._rates = rates

    def __call__(self, t: float) -> float:
        return math.prod(rate.lr(int(t)) for rate in self._rates)

    def observe(self, valid_loss: float) -> None:
        """Take note of an evaluation."""
        for rate in self._rates:
            rate.observe(valid_loss)

    @property
    def state(self) -> dict[str, Any]:
        """What the members remember, under their number and its name there."""
        return {f"{i}.{name}": value for i, rate in enumerate(self._rates) for name, value in rate.state.items()}

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        for i, rate in enumerate(self._rates):
            rate.load({name.partition(".")[2]: value for name, value in state.items() if name.startswith(f"{i}.")})


@register
@dataclass(frozen=True)
class Chained(Composition):
    """The product of several schedules, all from the first step on.

    A plateau among them listens to evaluations, and is saved in checkpoints.

    Examples
    --------
    >>> from ddtrain.optim.schedules import make
    >>> both = Chained(schedules=("linear(start=0.5, length=2)", "step(decay_every=3, factor=0.1)"))
    >>> rate = make(both, 1.0, total_steps=5)
    >>> [round(rate.lr(t), 3) for t in range(5)]
    [0.5, 0.75, 1.0, 0.1, 0.1]
    """

    name: str = "chained"
    """The learning rate over time (t: steps since the warm-up); PyTorch's ChainedScheduler."""
    schedules: tuple[str, ...] = ("linear(start=0.1, length=100)", "exponential")
    """Schedules as calls with their options, such as 'linear(start=0.1, length=100)' plateau."""

    def multiplier(self, base_lr: float, steps: int, steps_per_epoch: int) -> Decay:
        return Product([relative_rate(member, base_lr, steps, steps_per_epoch) for member in self.members()])

    def spans_run(self) -> bool:
        return any(member.spans_run() for member in self.members())

    def misfits(self, steps: int, steps_per_epoch: int) -> Iterator[str]:
        for member in self.members():
            yield from member_misfits(member, steps, steps_per_epoch)
