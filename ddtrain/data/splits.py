"""Samples divided at random, for training, validation and tests: exact sizes, and the same for the same seed."""

# N samples, S parts, C classes

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain import rng
from ddtrain.data.arrays import ArrayData
from ddtrain.data.checksum import checksum
from ddtrain.data.dataset import Dataset, has_order
from ddtrain.data.extremes import extreme_rows
from ddtrain.errors import DataError, UsageError

Indices = NDArray[np.int64]


def split_indices(
    n: int, fractions: Sequence[float], seed: int = 0, labels: NDArray[Any] | None = None
) -> tuple[Indices, ...]:
    """Which samples go to which part: every sample to one, drawn by the seed alone.

    Parameters
    ----------
    n : samples
    fractions : of each part, e.g. ``(0.8, 0.1, 0.1)``; they sum to 1
    seed : of the split, which should not be the run's, so that runs of several seeds can be compared
    labels : (n,): stratified, each class is divided by the fractions, too, up to one sample

    Returns
    -------
    For each part its samples' places, ascending. The sizes are n times the fractions, rounded by largest remainder so
    that they sum to n.

    Raises
    ------
    UsageError : fractions that are not above 0 and sum to 1, or a part that would be empty
    DataError : labels that are not one a sample

    >>> split_indices(10, (0.6, 0.4), seed=3)
    (array([2, 3, 4, 5, 8, 9]), array([0, 1, 6, 7]))
    """
    shares_S = _shares(fractions)
    sizes_S = _sizes(n, shares_S)
    order = rng.stream(seed, "split").permutation(n)
    if labels is None:
        needs_CS, members = sizes_S[None], [order]
    else:
        if np.shape(labels) != (n,):
            raise DataError(
                f"split: {n} samples but labels of shape {np.shape(labels)}", remedy="Give one label a sample."
            )
        classes_N = np.unique(np.asarray(labels), return_inverse=True)[1]
        by_class = order[np.argsort(classes_N[order], kind="stable")]  # within a class as drawn
        counts_C = np.bincount(classes_N)
        members = np.split(by_class, np.cumsum(counts_C)[:-1])
        needs_CS = _strata(counts_C, shares_S, sizes_S)
    cut = [np.split(mine, np.cumsum(needs)[:-1]) for mine, needs in zip(members, needs_CS, strict=True)]
    return tuple(np.sort(np.concatenate(part)) for part in zip(*cut, strict=True))


def _shares(fractions: Sequence[float]) -> NDArray[np.float64]:
    shares_S = np.array(fractions, np.float64)
    if not (shares_S.size and (shares_S > 0).all() and abs(shares_S.sum() - 1) <= 1e-5):
        raise UsageError(
            f"split: fractions {tuple(fractions)} are not all above 0 with the sum 1",
            remedy="Give e.g. (0.8, 0.1, 0.1), for training, validation and tests.",
        )
    normalized: NDArray[np.float64] = shares_S / shares_S.sum()
    return normalized


def _sizes(n: int, shares_S: NDArray[np.float64]) -> Indices:
    exact_S = n * shares_S
    sizes_S = np.floor(exact_S + 1e-9).astype(np.int64)
    rest = n - int(sizes_S.sum())
    sizes_S[np.argsort(sizes_S - exact_S, kind="stable")[:rest]] += 1
    if not sizes_S.all():
        raise UsageError(
            f"split: of {n} samples, fraction {shares_S[sizes_S == 0][0]:.6g} is none",
            remedy="Give more samples, or a larger fraction.",
        )
    return sizes_S


def _strata(counts_C: Indices, shares_S: NDArray[np.float64], sizes_S: Indices) -> Indices:
    """How many samples of each class go to each part, (C, S): rows sum to the classes, columns to the parts.

    Each entry is its exact share rounded down, or one more. What is left of each class goes to the parts that still
    need most: the rule of Gale and Ryser, which fills all columns wherever that can be done.
    """
    needs_CS = np.floor(counts_C[:, None] * shares_S + 1e-9).astype(np.int64)
    missing_S = sizes_S - needs_CS.sum(axis=0)
    for row, count in zip(needs_CS, counts_C, strict=True):
        for _ in range(len(shares_S)):  # once, but for rare sizes of four parts and more
            rest = int(count - row.sum())
            neediest = np.argsort(-missing_S, kind="stable")[:rest]
            neediest = neediest[missing_S[neediest] > 0]
            row[neediest] += 1
            missing_S[neediest] -= 1
    return needs_CS


class Subset:
    """Some samples of a data set, in their order.

    Parameters
    ----------
    dataset : any
    indices : places of the samples, such as a part that :func:`split_indices` has made

    Raises
    ------
    UsageError : the data set is augmented: a sample could be mixed with one of another part; or it has an order of its
        own, which a part could not follow

    >>> from ddtrain.data import ArrayData
    >>> data = ArrayData(np.arange(10) * 10)
    >>> train, valid = (Subset(data, part) for part in split_indices(len(data), (0.6, 0.4), seed=3))
    >>> len(train), valid.batch(np.array([0, 1]))
    (6, (array([ 0, 10]),))
    """

    def __init__(self, dataset: Dataset, indices: NDArray[Any]) -> None:
        if hasattr(dataset, "training_batch"):
            raise UsageError(
                f"Subset: of {type(dataset).__name__}, which could mix samples of all parts",
                remedy="Take the subset first: Augmented(Subset(data, part), ...).",
            )
        if has_order(dataset):
            raise UsageError(
                f"Subset: of {type(dataset).__name__}, which has an order of its own",
                remedy="Take the subset first: Streams(Subset(data, part), ...).",
            )
        self.dataset, self.indices = dataset, np.asarray(indices, np.int64)
        if isinstance(dataset, ArrayData):
            self.extremes = lambda: extreme_rows([array[self.indices] for array in dataset.arrays])
        if hasattr(dataset, "fingerprint"):
            whole: Callable[[], str] = dataset.fingerprint
            self.fingerprint: Callable[[], str] = lambda: checksum([np.array([whole()]), self.indices])

    def __len__(self) -> int:
        return len(self.indices)

    def batch(self, indices: Any) -> tuple[Any, ...]:
        """The samples at these places among the subset's."""
        return self.dataset.batch(self.indices[indices])
