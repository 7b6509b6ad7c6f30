"""Mean and spread of a data set's inputs in one pass, over all ranks.

Note [Blocks of samples]
The samples are cut into blocks of a fixed size, whatever the number of ranks. In each round every rank takes one block,
all of them exchange count, mean and spread, and every rank merges them in the order of the blocks. So each number is
computed from the same operands in the same order on one rank and on many: the same bits.
"""

# M rows of a block, D features

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ddtrain.comm.protocol import Communicator
from ddtrain.data.dataset import Dataset
from ddtrain.errors import DataError

Array = NDArray[np.float64]
BLOCK = 1024  # samples: enough for BLAS, and few enough for memory


@dataclass(frozen=True)
class Moments:
    """Of some rows, in float64.

    Attributes
    ----------
    count : rows
    mean : (D,)
    spread : sums of squared deviations from the mean, (D,); or the scatter matrix, of all their products, (D, D)
    """

    count: int
    mean: Array
    spread: Array


def merge(a: Moments, b: Moments) -> Moments:
    """The moments of the rows of both, as Chan, Golub and LeVeque (1983) do it.

    >>> one, three = (Moments(1, np.array([x]), np.zeros(1)) for x in (1.0, 3.0))
    >>> merge(one, three)
    Moments(count=2, mean=array([2.]), spread=array([2.]))
    """
    if not a.count or not b.count:
        return a if a.count else b
    count, between = a.count + b.count, b.mean - a.mean
    products = between * between if a.spread.ndim == 1 else np.outer(between, between)
    spread = a.spread + b.spread + products * (a.count * b.count / count)
    return Moments(count, a.mean + between * (b.count / count), spread)


def moments(
    dataset: Dataset,
    *,
    channels: bool = False,
    scatter: bool = False,
    comm: Communicator | None = None,
    block: int = BLOCK,
) -> Moments:
    """Of the first array of all samples; the same bits on any number of ranks. Collective, where there are ranks.

    Parameters
    ----------
    dataset : the same on every rank; each reads its share of the blocks alone
    channels : a row for each pixel, and the last axis its features; else a row a sample, and all its numbers
    scatter : the whole scatter matrix
    comm : the ranks; None: this one by itself
    block : samples in a block, which decides last bits

    Raises
    ------
    DataError : on all ranks, of no samples, or of inputs that are not finite

    >>> from ddtrain.data import ArrayData
    >>> moments(ArrayData(np.array([[1.0, 5.0], [3.0, 5.0]])))
    Moments(count=2, mean=array([2., 5.]), spread=array([2., 0.]))
    """
    rank, size = (comm.rank, comm.size) if comm else (0, 1)
    shape = dataset.batch(np.arange(0))[0].shape[1:]
    width = shape[-1] if channels and shape else math.prod(shape)
    total = Moments(0, np.zeros(width), np.zeros((width, width) if scatter else width))
    sent = np.empty(1 + width + total.spread.size)
    received = np.empty((size, sent.size))
    for first in range(0, len(dataset), block * size):
        start = min(first + block * rank, len(dataset))
        mine = _of_samples(dataset, start, min(start + block, len(dataset)), total)
        sent[:] = np.concatenate(([mine.count], mine.mean, mine.spread.ravel()))
        if comm:
            comm.allgather(sent, received)
        else:
            received[0] = sent
        for row in received:
            spread = row[1 + width :].reshape(total.spread.shape)
            total = merge(total, Moments(int(row[0]), row[1 : 1 + width].copy(), spread.copy()))
    if not total.count:
        raise DataError("moments: there are no samples", remedy="Give the training data.")
    if not np.isfinite(total.mean).all():
        feature = int(np.flatnonzero(~np.isfinite(total.mean))[0])
        raise DataError(f"moments: feature {feature} has a NaN or an infinity", remedy="Leave such samples out.")
    return total


def _of_samples(dataset: Dataset, first: int, last: int, like: Moments) -> Moments:
    if first == last:
        return Moments(0, np.zeros_like(like.mean), np.zeros_like(like.spread))
    x = np.asarray(dataset.batch(np.arange(first, last))[0], np.float64)
    x_MD = x.reshape(-1, len(like.mean)) if like.mean.size else x.reshape(len(x), 0)
    with np.errstate(invalid="ignore"):  # infinities are for all ranks to speak of
        mean = x_MD.mean(axis=0)
        deviations_MD = x_MD - mean
        products = deviations_MD.T @ deviations_MD if like.spread.ndim == 2 else (deviations_MD**2).sum(axis=0)
    return Moments(len(x_MD), mean, products)
