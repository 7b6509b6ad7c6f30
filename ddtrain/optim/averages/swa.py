"""Stochastic weight averaging: the mean of the weights at the end of a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import floor, isfinite

from ddtrain.errors import UsageError
from ddtrain.optim.averages.protocol import WeightAverage
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class Swa(WeightAverage):
    """Stochastic weight averaging: the mean of the weights after the update ``start`` and some of those after it.

    The mean of n weights is mean = (n - 1) / n * mean + weights / n. Steps that are skipped are no updates. For an
    evaluation, running statistics of batch-norm are computed anew, as means over one pass of the training data.

    References
    ----------
    Izmailov, Podoprikhin, Garipov, Vetrov, Wilson (2018), "Averaging weights leads to wider optima and better
    generalization", arXiv:1803.05407.

    >>> swa = Swa(start=0.5, every=2).laid_over(steps=10)
    >>> swa.start, [swa.keep(count) for count in range(5, 11)]
    (6.0, [None, 0.0, None, 0.5, None, 0.6666666666666666])
    >>> Swa(start=1, every=100).misfit(23)[:64]
    'average swa: the weights of one step alone enter (step 1 of 23, '
    """

    name: str = "swa"
    """An average of the weights over the steps, kept beside them."""
    start: float = 0.75
    """The first update whose weights enter, 1 being the very first; below 1: the fraction of the planned run before."""
    every: int = 1
    """Updates from one that enters to the next."""

    def laid_over(self, steps: int) -> Swa:
        first = self.start if self.start >= 1 else floor(self.start * steps) + 1
        if first > steps:
            raise UsageError(
                f"--average.start {self.start:g} is after the {steps} steps of the run, so that no weights enter",
                remedy="Give an earlier one, or more --run.epochs.",
            )
        return replace(self, start=float(first))

    def keep(self, count: int) -> float | None:
        since = count - int(self.start)
        if since < 0 or since % self.every:
            return None
        entered = since // self.every  # before this one
        return entered / (entered + 1)

    def misfit(self, steps: int) -> str:
        if not self.start <= steps < self.start + self.every:
            return ""
        return (
            f"average swa: the weights of one step alone enter (step {self.start:g} of {steps}, and the next would be "
            f"{self.start + self.every:g}): give a smaller --average.every, or an earlier --average.start"
        )

    def begun(self, count: int) -> bool:
        return count >= self.start

    def recomputes_statistics(self) -> bool:
        return True

    def ranges(self) -> Iterator[Range]:
        whole = isfinite(self.start) and self.start == int(self.start)
        yield "start", 0 <= self.start < 1 or (whole and self.start >= 1), "a fraction below 1, or a whole number"
        yield "every", self.every >= 1, "at least 1"
