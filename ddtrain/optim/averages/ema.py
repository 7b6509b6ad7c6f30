"""The exponential moving average of the weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ddtrain.optim.averages.protocol import WeightAverage
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class Ema(WeightAverage):
    """Exponential moving average: average = decay * average + (1 - decay) * weights, after each update.

    It begins as the weights after the first update, as PyTorch's ``AveragedModel`` does; steps that are skipped do not
    enter. Running statistics of batch-norm are averages already, and stay as they are.

    References
    ----------
    Polyak, Juditsky (1992), "Acceleration of stochastic approximation by averaging". The warm-up is that of
    TensorFlow's ``ExponentialMovingAverage(num_updates=...)``.

    >>> [round(Ema(decay=0.9, warmup=True).keep(count), 3) for count in (1, 2, 10, 1000)]
    [0.0, 0.25, 0.55, 0.9]
    """

    name: str = "ema"
    """An average of the weights over the steps, kept beside them."""
    decay: float = 0.999
    """The weight of the average so far, at each update; 0: the weights themselves."""
    warmup: bool = False
    """Begin with smaller decays: after t updates min(decay, (1 + t) / (10 + t))."""

    def keep(self, count: int) -> float:
        if count <= 1:
            return 0.0
        return min(self.decay, (1 + count) / (10 + count)) if self.warmup else self.decay

    def begun(self, count: int) -> bool:
        return count >= 1

    def ranges(self) -> Iterator[Range]:
        yield "decay", 0 <= self.decay < 1, "at least 0 and below 1"
