"""Samples that go on where others end: a long sequence in pieces, of which several streams are read at once."""

# N samples, S streams
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ddtrain.data.checksum import checksum
from ddtrain.data.dataset import Dataset, has_order
from ddtrain.data.sampler import Indices
from ddtrain.errors import UsageError


class Streams:
    """A data set whose consecutive samples are divided into streams; batch k has the k-th sample of each.

    Streams are as long as each other, or longer by one: the last batch may be shorter, and no sample is left out. The
    run's batch size has to be S.

    Parameters
    ----------
    dataset : whose samples follow one another
    streams : S
    begins : places of the samples that do not follow the one before, such as the first one of each text

    Raises
    ------
    UsageError : fewer samples than streams, or the data set is augmented or has an order of its own

    >>> from ddtrain.data import ArrayData
    >>> data = Streams(ArrayData(np.array([10, 11, 12, 20, 21])), streams=2, begins=[3])
    >>> data.order(seed=0, epoch=0)
    array([0, 3, 1, 4, 2])
    >>> data.batch(np.array([1, 4]))  # the second of both streams
    (array([11, 21]), array([0, 1]), array([2, 2]))
    """

    def __init__(self, dataset: Dataset, streams: int, begins: Sequence[int] | Indices = ()) -> None:
        n = len(dataset)
        if not 1 <= streams <= n:
            raise UsageError(
                f"Streams: {n:,} samples make no {streams:,} streams", remedy="Give at least 1, and a sample for each."
            )
        if hasattr(dataset, "training_batch") or has_order(dataset):
            raise UsageError(
                f"Streams: of {type(dataset).__name__}, whose augmentation or order would be lost",
                remedy="Give the plain samples.",
            )
        self.dataset, self.streams = dataset, streams
        lengths_S = np.full(streams, n // streams) + (np.arange(streams) < n % streams)
        firsts_S = np.cumsum(lengths_S) - lengths_S
        self._streams = np.repeat(np.arange(streams), lengths_S)
        steps = np.ones(n, np.int64)
        steps[np.asarray(begins, np.int64)] = 2  # a number is left out, so that nothing follows the one before
        numbers = np.cumsum(steps)
        self._pieces: Indices = numbers - numbers[firsts_S][self._streams] + 1
        within = np.arange(n) - firsts_S[self._streams]
        self._order: Indices = np.lexsort((self._streams, within))
        if hasattr(dataset, "extremes"):
            self.extremes: Callable[[], Any] = dataset.extremes
        if hasattr(dataset, "fingerprint"):
            self.fingerprint = lambda: f"{dataset.fingerprint()}-{checksum([self._streams, self._pieces])}"

    def __len__(self) -> int:
        return len(self.dataset)

    def order(self, *, seed: int, epoch: int) -> Indices:
        """The first sample of every stream, then the second of every one, and so on, in every epoch."""
        return self._order

    def batch(self, indices: Any) -> tuple[Any, ...]:
        """The samples, then of each its stream, from 0, and its number there: from 1, one more than that it follows."""
        rows = np.asarray(indices, np.int64)
        return (*self.dataset.batch(rows), self._streams[rows], self._pieces[rows])
