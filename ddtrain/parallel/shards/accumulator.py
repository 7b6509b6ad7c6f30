"""Adds up the gradients of one rank's shards in tree order, as they come: a row for each subtree.

Note [Carry]
Shards come one after another, and for each parameter in the order of their numbers. Their sum along the tree is then
like counting in binary, with a vector for each digit, a *level*: a shard's gradient is written to the next free level,
and wherever both halves of a subtree are complete, the upper level is added to the lower. So eight shards need two
levels besides their row, and seven additions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.comm.reduction_tree import Block, Blocks, split

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a shard's gradient is written: to ``level`` of row ``row``; ``merges`` additions to lower levels follow."""

    row: int
    level: int
    merges: int


def slots(blocks: Blocks) -> list[Slot]:
    """The slots of all shards in the given subtrees, in order.

    >>> [(slot.level, slot.merges) for slot in slots(((0, 6),))]
    [(0, 0), (1, 1), (1, 0), (2, 2), (1, 0), (2, 2)]
    """
    found = []
    for row, block in enumerate(blocks):
        level = 0
        for shard in range(*block):
            merges = _completed(block, shard)
            found.append(Slot(row, level, merges))
            level += 1 - merges
    return found


def _completed(block: Block, shard: int) -> int:
    """How many subtrees of ``block`` with two or more shards end with this shard."""
    completed = 0
    while block[1] - block[0] > 1:
        completed += block[1] == shard + 1
        left, right = split(block)
        block = left if shard < left[1] else right
    return completed


class Accumulator:
    """Adds gradients up into rows.

    Parameters
    ----------
    rows : (n,) vectors, one for each of ``blocks``; complete when the last shard's gradients have been added
    blocks : subtrees of shards
    spans, shapes : where each parameter lies in the vectors, and its shape

    >>> row = np.zeros(2)
    >>> accumulator = Accumulator([row], ((0, 3),), [slice(0, 2)], [(2,)])
    >>> for k in range(3):
    ...     accumulator.add(k, 0, np.array([k, 1.0]))
    >>> row
    array([3., 3.])
    """

    def __init__(
        self, rows: Sequence[Array], blocks: Blocks, spans: Sequence[slice], shapes: Sequence[tuple[int, ...]]
    ) -> None:
        self._slots = slots(blocks)
        levels = max((slot.level for slot in self._slots if slot.merges == 0), default=0)
        # one spare for all rows, because the rows are filled one after another
        spare = [np.empty_like(rows[0]) for _ in range(levels)]
        self.nbytes = sum(vector.nbytes for vector in (*rows, *spare))

        def views(vector: Array) -> list[Array]:
            return [vector[span].reshape(shape) for span, shape in zip(spans, shapes, strict=True)]

        above = [views(vector) for vector in spare]
        self._levels = [[views(row), *above] for row in rows]

    def add(self, shard: int, i: int, g: Any) -> None:
        """Add gradient ``i`` of this rank's shard number ``shard`` (counted from 0); None stands for zeros."""
        slot = self._slots[shard]
        levels, level, merges = self._levels[slot.row], slot.level, slot.merges
        if merges == 0:
            levels[level][i][...] = 0 if g is None else g
            return
        lower = levels[level - 1][i]
        np.add(lower, 0 if g is None else g, out=lower)
        for k in range(level - 1, level - merges, -1):
            np.add(levels[k - 1][i], levels[k][i], out=levels[k - 1][i])
