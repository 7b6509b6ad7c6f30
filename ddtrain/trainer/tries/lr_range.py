"""``--run.lr-range-test LOW:HIGH``: the learning rate rises over the run, and the loss shows which rates are any good.

The rate rises exponentially from LOW in the first step to HIGH in the last. The test ends there, or when the loss
explodes. Rank 0 looks at the loss of each step and decides; so the test is the same for every number of ranks.

Note [Recommended rate]
Losses of single steps are noisy, so each is replaced by a moving average over about a twentieth of the steps, corrected
for its start as Adam's moments are. The loss has exploded when the average is above four times its lowest value, or the
loss is not finite. Recommended is the rate at which the average falls steepest for each factor of ten, but at most a
tenth of the rate at which it is lowest: there the loss has stopped falling, which is too late. It is a guess to begin
with: it is of the first steps, of this batch size and optimizer, and knows of no decay. Eight seeds of digits_mlp and
of digits_softmax recommend rates a factor of 8 apart with 20 steps, 1.5 to 4 with 100, 1.5 with 400: a test of fewer
than 100 says that it is noise.

References
----------
Smith, Cyclical learning rates for training neural networks, arXiv:1506.01186, section 3.3.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ddtrain.errors import UsageError

_FEWEST = 20  # steps; with fewer there is nothing to average over
_ENOUGH = 100  # steps, with which seeds agree within a factor of a few (Note [Recommended rate])
_PART = 20  # a loss counts for one in steps / _PART of its moving average
_EXPLODED = 4.0  # times the lowest average


class LrRangeTest:
    """A schedule whose rate rises exponentially, and what rank 0 has seen of it.

    Raises
    ------
    UsageError : there are too few steps

    >>> test = LrRangeTest(0.001, 10.0, steps=41)
    >>> [round(test.lr(step), 6) for step in (0, 10, 20, 40)]
    [0.001, 0.01, 0.1, 10.0]
    """

    def __init__(self, low: float, high: float, steps: int) -> None:
        if steps < _FEWEST:
            raise UsageError(
                f"--run.lr-range-test takes at least {_FEWEST} steps, but the run has {steps}",
                remedy="Give more --run.epochs, or a smaller --data.batch-size.",
            )
        self.low, self.high, self.steps = low, high, steps
        self.losses: list[float] = []
        self.averages: list[float] = []
        self.exploded = False
        self._sum = 0.0

    def lr(self, step: int) -> float:
        """The rate of a step, counted from 0."""
        return self.low * math.pow(self.high / self.low, step / (self.steps - 1))

    def explodes(self, loss: float) -> bool:
        """Take note of the loss of the next step; whether it ends the test (Note [Recommended rate])."""
        weight = min(1.0, _PART / self.steps)
        self._sum += weight * (loss - self._sum)
        average = self._sum / (1 - (1 - weight) ** (len(self.losses) + 1)) if weight < 1 else loss
        self.losses.append(loss)
        self.averages.append(average)
        self.exploded = not average <= _EXPLODED * min(self.averages)  # not <=: also where it is NaN
        return self.exploded

    def recommended(self) -> tuple[float, str]:
        """The recommended rate, 0 if there is none, and a line that says why (Note [Recommended rate])."""
        rate, why = self._recommended()
        noisy = f"; with {self.steps} steps this is mostly noise: give {_ENOUGH} or more" * (self.steps < _ENOUGH)
        return rate, why + noisy

    def _recommended(self) -> tuple[float, str]:
        averages = np.array([x for x in self.averages if math.isfinite(x)])
        lowest = int(np.argmin(averages)) if averages.size else 0
        step = max(1, self.steps // _PART)
        falls = averages[:-step] - averages[step:] if averages.size > step else averages[:0]
        falls = falls[: max(0, lowest - step + 1)]
        if not falls.size or falls.max() <= 0:
            return 0.0, f"the loss falls at no rate from {self.low:g} to {self.high:g}: begin lower"
        steepest = self.lr(int(np.argmax(falls)) + step // 2)
        rate = min(steepest, self.lr(lowest) / 10)
        why = f"the loss falls steepest at {steepest:.2g}, and is lowest at {self.lr(lowest):.2g}"
        still = lowest == len(self.losses) - 1
        return rate, f"try --optim.lr {rate:.2g}: {why}" + ", the highest rate tried: try higher ones" * still

    def to_table(self) -> dict[str, Any]:
        """What RUN/lr_range.json holds: a list for each column, and the recommendation; what is not finite is null."""
        rate, why = self.recommended()
        return {
            "lr": [self.lr(step) for step in range(len(self.losses))],
            "loss": _finite(self.losses),
            "average": _finite(self.averages),
            "exploded": self.exploded,
            "recommended": rate or None,
            "why": why,
        }


def _finite(values: list[float]) -> list[float | None]:
    return [x if math.isfinite(x) else None for x in values]
