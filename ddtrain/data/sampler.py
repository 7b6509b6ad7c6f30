"""Which samples make up a step, and which of them are a rank's.

The order of an epoch depends on the seed and the epoch alone, and a step's batch on its place in that order; so
any number of ranks sees the same batches, and a resumed run finds its place by arithmetic.
"""

# B samples in a global batch, P ranks, r one of them
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ddtrain import rng
from ddtrain.partition import part_bounds

Indices = NDArray[np.int64]


class Position(NamedTuple):
    """A place in the data: the epoch, counted from 0, and the batches of it that are done.

    >>> position(step=3, n=10, batch_size=5) == Position(epoch=1, offset=1)
    True
    """

    epoch: int
    offset: int


def order(seed: int, epoch: int, n: int) -> Indices:
    """Permutation of ``n`` samples for one epoch.

    >>> order(seed=0, epoch=3, n=5)
    array([0, 2, 1, 4, 3])
    """
    return rng.stream(seed, "shuffle", epoch).permutation(n)


def batches(seed: int, epoch: int, n: int, batch_size: int) -> list[Indices]:
    """The global batches of one epoch: every sample once; the last batch may be shorter.

    >>> [len(batch) for batch in batches(seed=0, epoch=0, n=10, batch_size=4)]
    [4, 4, 2]
    """
    return split(order(seed, epoch, n), batch_size)


def split(indices: Indices, batch_size: int) -> list[Indices]:
    """Consecutive batches of ``indices``, as views: for an evaluation, ``split(np.arange(n), batch_size)``.

    >>> split(np.arange(5), batch_size=2)
    [array([0, 1]), array([2, 3]), array([4])]
    """
    return [indices[start : start + batch_size] for start in range(0, len(indices), batch_size)]


def shard_bounds(count: int, rank: int, size: int) -> tuple[int, int]:
    """First and one past the last of rank r's share [B·r//P, B·(r+1)//P) of ``count`` samples; empty if B < P.

    >>> [shard_bounds(10, rank, 4) for rank in range(4)]
    [(0, 2), (2, 5), (5, 7), (7, 10)]
    """
    return part_bounds(count, rank, size)


def shard(indices: Indices, rank: int, size: int) -> Indices:
    """A rank's share of a global batch: consecutive rows, so that the ranks' rows in order are the batch.

    >>> [shard(np.array([7, 3, 9, 1, 5]), rank, size=2) for rank in range(2)]
    [array([7, 3]), array([9, 1, 5])]
    """
    first, last = shard_bounds(len(indices), rank, size)
    return indices[first:last]


def steps_per_epoch(n: int, batch_size: int) -> int:
    """Batches in one epoch, a short last one included.

    >>> steps_per_epoch(10, batch_size=4)
    3
    """
    return -(-n // batch_size)


def position(step: int, n: int, batch_size: int) -> Position:
    """Where step ``step`` (counted from 0) takes its batch from.

    >>> position(step=7, n=10, batch_size=4)
    Position(epoch=2, offset=1)
    """
    return Position(*divmod(step, steps_per_epoch(n, batch_size)))


def step_at(place: Position, n: int, batch_size: int) -> int:
    """The step that takes its batch from a place: the inverse of :func:`position`.

    >>> step_at(Position(epoch=2, offset=1), n=10, batch_size=4)
    7
    """
    return place.epoch * steps_per_epoch(n, batch_size) + place.offset
