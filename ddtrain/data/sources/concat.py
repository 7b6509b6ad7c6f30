"""Several data sets one after another, such as the files of one that is larger than memory."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ddtrain.data.dataset import Dataset, has_order
from ddtrain.data.sampler import Indices
from ddtrain.errors import DataError, UsageError, kind_of


class Concat:
    """The samples of all data sets in turn; a batch is read from those that have a part of it.

    Parameters
    ----------
    datasets : whose batches have the same number of arrays, of the same shapes and dtypes but for the first axis

    Raises
    ------
    UsageError : there is none, or one is augmented or has an order of its own
    DataError : their samples differ in number, shape or dtype of their arrays

    >>> from ddtrain.data import ArrayData
    >>> both = Concat([ArrayData(np.array([1, 2])), ArrayData(np.array([30, 40, 50]))])
    >>> len(both), both.batch(np.array([4, 0, 2]))
    (5, (array([50,  1, 30]),))
    """

    def __init__(self, datasets: Sequence[Dataset]) -> None:
        self.datasets = tuple(datasets)
        if not self.datasets:
            raise UsageError("Concat: no data sets", remedy="Give at least one.")
        for dataset in self.datasets:
            if hasattr(dataset, "training_batch") or has_order(dataset):
                raise UsageError(
                    f"Concat: of {kind_of(dataset)}, whose augmentation or order would be of its part alone",
                    remedy="Join first: Augmented(Concat([...]), ...).",
                )
        self._ends = np.cumsum([len(dataset) for dataset in self.datasets])
        self._check()
        if all(hasattr(dataset, "fingerprint") for dataset in self.datasets):
            self.fingerprint: Callable[[], str] = self._fingerprint
        if all(hasattr(dataset, "extremes") for dataset in self.datasets):
            self.extremes: Callable[[], Indices] = self._extremes

    def _check(self) -> None:
        kinds = [
            [(np.shape(x)[1:], np.asarray(x).dtype) for x in dataset.batch(np.arange(0))] for dataset in self.datasets
        ]
        for k, kind in enumerate(kinds):
            if kind != kinds[0]:
                found, first = (", ".join(f"{dtype} {shape}" for shape, dtype in each) for each in (kind, kinds[0]))
                raise DataError(f"Concat: samples of data set {k} are {found}; those of data set 0 are {first}")

    def _fingerprint(self) -> str:
        """Of the fingerprints of all, in order."""
        told = ",".join(f"{len(x)}:{x.fingerprint()}" for x in self.datasets)  # type: ignore[attr-defined]
        return f"{zlib.crc32(told.encode()):08x}"

    def _extremes(self) -> Indices:
        """Those of all parts, among which are those of the whole."""
        firsts = self._ends - [len(dataset) for dataset in self.datasets]
        return np.concatenate([x.extremes() + first for x, first in zip(self.datasets, firsts)])  # type: ignore[attr-defined]

    def __len__(self) -> int:
        return int(self._ends[-1])

    def batch(self, indices: Any) -> tuple[Any, ...]:
        """The samples at these places, counted through all data sets, in that order."""
        rows = np.asarray(indices, np.int64)
        owner = np.searchsorted(self._ends, rows, side="right")
        if rows.size and (rows.min() < 0 or rows.max() >= len(self)):
            raise IndexError(f"Concat: samples {rows.min()} to {rows.max()} of {len(self)}")
        parts, places = [], []
        for k in np.unique(owner) if rows.size else [0]:
            mine = np.flatnonzero(owner == k)
            first = int(self._ends[k] - len(self.datasets[k]))
            parts.append(self.datasets[k].batch(rows[mine] - first))
            places.append(mine)
        back = np.argsort(np.concatenate(places), kind="stable")
        return tuple(np.concatenate(arrays)[back] for arrays in zip(*parts, strict=True))
