"""Sums over the samples of a batch: loss, count, metrics, and the votes to stop. Added over ranks, never averaged.

They travel as one float64 vector, so that the mean over ragged and empty shards is exact whatever the model's dtype.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Totals:
    """Running sums over samples.

    Attributes
    ----------
    buffers_overflow : whether this batch would make running statistics infinite or NaN; the same on all ranks

    >>> totals = Totals()
    >>> totals.add(np.array([1.0, 3.0]), {"accuracy": np.array([1, 0])})
    >>> totals.count, totals.means()
    (2, {'loss': 2.0, 'accuracy': 0.5})
    """

    def __init__(self, stop_votes: int = 0) -> None:
        self.loss_sum, self.count, self.stop_votes, self.buffers_overflow = 0.0, 0, int(stop_votes), False
        self.sums: dict[str, float] = {}

    def add(self, losses_N: NDArray[Any], metrics: Mapping[str, NDArray[Any]]) -> None:
        """Add one batch: one number for each sample, as ``loss_output.LossOutput`` has checked."""
        self.loss_sum += _sum(losses_N)
        self.count += len(losses_N)
        for name, x in metrics.items():
            self.sums[name] = self.sums.get(name, 0.0) + _sum(x)

    @property
    def finite(self) -> bool:
        """Whether the loss, and the running statistics after it, are finite."""
        return isfinite(self.loss_sum) and not self.buffers_overflow

    def pack(self, names: Sequence[str]) -> NDArray[np.float64]:
        """As a vector that ranks can add, with the metrics in the order of ``names``.

        Metrics that no batch has added count as 0.
        """
        sums = self.sums
        return np.array([self.loss_sum, self.count, self.stop_votes, *(sums.get(name, 0.0) for name in names)])

    def in_order(self, names: Sequence[str]) -> Totals:
        """These totals, with the metrics in the order of ``names``, as if they had been packed and unpacked."""
        sums = self.sums
        self.sums = {name: sums.get(name, 0.0) for name in names}
        return self

    @classmethod
    def unpack(cls, vector: NDArray[np.float64], names: Sequence[str]) -> Totals:
        """The totals that ``vector``, a sum of vectors packed with the same names, stands for."""
        loss_sum, count, stop_votes, *sums = vector.tolist()
        total = cls(int(stop_votes))
        total.loss_sum, total.count = loss_sum, int(count)
        total.sums = dict(zip(names, sums, strict=True))
        return total

    def means(self) -> dict[str, float]:
        """The mean loss and metrics over all samples (NaN when there are none)."""
        sums = {"loss": self.loss_sum, **self.sums}
        return {name: total / self.count if self.count else float("nan") for name, total in sums.items()}


def _sum(x: NDArray[Any]) -> float:
    return float(np.add.reduce(x, dtype=np.float64))  # takes a third of the time of np.sum, which calls it
