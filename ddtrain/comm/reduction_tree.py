"""The order of a sum: one fixed binary tree over the shards of a run, whichever ranks hold them.

Note [Tree order]
Floating-point addition does not associate, and the algorithms of an MPI library change with size and placement. So
there is one reduction, the sum, and its order is part of the contract: V addends, the *leaves*, are added along one
binary tree, element by element, on every backend and at every message size. A range of n leaves is split at the
largest power of two below n, so that six leaves are ((0 + 1) + (2 + 3)) + (4 + 5). A rank that holds consecutive leaves
adds up whole subtrees, *blocks*, by itself and sends one row for each: the sum has the same bits however many ranks
share the leaves. Neither the bucket size, nor the algorithm, nor threads in place of processes
changes a bit of it.
"""

# V leaves, P ranks, n elements

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.partition import part_bounds

Array = NDArray[Any]
Block = tuple[int, int]  # first leaf, and one past the last
Blocks = tuple[Block, ...]

_CHUNK = 1 << 14  # elements in a chunk, so that its sum stays in the first-level cache while all rows are added to it


def split(block: Block) -> tuple[Block, Block]:
    """The two halves whose sums make up the sum of a range of leaves.

    >>> split((0, 6)), split((4, 7))
    (((0, 4), (4, 6)), ((4, 6), (6, 7)))
    """
    first, last = block
    middle = first + (1 << ((last - first - 1).bit_length() - 1))
    return (first, middle), (middle, last)


def cover(first: int, last: int, leaves: int) -> Blocks:
    """The fewest subtrees that hold exactly the leaves ``first`` to ``last``.

    >>> cover(2, 5, 8), cover(5, 8, 8), cover(0, 8, 8), cover(3, 3, 8)
    (((2, 4), (4, 5)), ((5, 6), (6, 8)), ((0, 8),), ())
    """

    def within(block: Block) -> Blocks:
        if first <= block[0] and block[1] <= last:
            return (block,)
        if block[1] <= first or last <= block[0]:
            return ()
        left, right = split(block)
        return within(left) + within(right)

    return within((0, leaves)) if first < last else ()


@dataclass(frozen=True)
class ReductionTree:
    """Which leaves each rank holds.

    Attributes
    ----------
    leaves : their number, V
    blocks : for each rank, the subtrees that it adds up by itself

    >>> ReductionTree.of_shards(8, 3).blocks
    (((0, 2),), ((2, 4), (4, 5)), ((5, 6), (6, 8)))
    """

    leaves: int
    blocks: tuple[Blocks, ...]

    @staticmethod
    @cache
    def of_ranks(size: int) -> ReductionTree:
        """One leaf for each rank."""
        return ReductionTree.of_shards(size, size)

    @staticmethod
    @cache
    def of_shards(leaves: int, size: int) -> ReductionTree:
        """Consecutive leaves on each of ``size`` ranks, ``[V r // P, V (r + 1) // P)`` on rank r."""
        return ReductionTree(leaves, tuple(cover(*part_bounds(leaves, rank, size), leaves) for rank in range(size)))

    @property
    def rows(self) -> Blocks:
        """All ranks' blocks, in order; :meth:`fold` takes one row for each."""
        return sum(self.blocks, ())

    @property
    def most_blocks(self) -> int:
        """The largest number of blocks of any rank."""
        return max(map(len, self.blocks))

    def fold(self, rows: Sequence[Array], out_n: Array) -> None:
        """The sum of all leaves, given one row for each block of :attr:`rows`; see :func:`fold`."""
        fold(self.rows, rows, (0, self.leaves), out_n)


def fold(blocks: Blocks, rows: Sequence[Array], target: Block, out_n: Array) -> None:
    """Sum the rows that make up one subtree, in its order (Note [Tree order]).

    Parameters
    ----------
    blocks : the subtree whose sum each row is; those that make up ``target`` must be among them
    target : the subtree whose sum is wanted
    out_n : may be one of the rows

    Overflow and NaN give no warning, as in an MPI library: the trainer decides what to do about them.

    >>> out, rows = np.empty(1), [np.array([x]) for x in (1e16, 1.0, -1e16, 1.0)]
    >>> fold(((0, 1), (1, 2), (2, 3), (3, 4)), rows, (0, 4), out); out   # (1e16 + 1) + (-1e16 + 1)
    array([0.])
    """
    additions, depth = _program(blocks, target)
    if not additions:
        out_n[...] = rows[blocks.index(target)]
        return
    if len(additions) == 1:  # with two ranks, say: one pass over memory, so chunks would gain nothing
        left, right, _ = additions[0]
        with np.errstate(over="ignore", invalid="ignore"):
            np.add(rows[left], rows[right], out_n)
        return
    scratch = np.empty((depth, min(out_n.size, _CHUNK)), out_n.dtype) if depth else ()
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, out_n.size, _CHUNK):
            part = slice(start, start + _CHUNK)
            count = min(_CHUNK, out_n.size - start)
            chunks = [row[part] for row in rows] + [row[:count] for row in scratch] + [out_n[part]]
            for left, right, into in additions:
                np.add(chunks[left], chunks[right], chunks[into])


@cache
def _program(blocks: Blocks, target: Block) -> tuple[list[tuple[int, int, int]], int]:
    """Additions (left, right, into) of registers: first the rows, then scratch memory; -1 is the result.

    Only the last addition writes the result, which may be one of the rows.
    """
    additions: list[tuple[int, int, int]] = []
    depth = 0

    def evaluate(block: Block, level: int, into: int) -> int:
        nonlocal depth
        if block in blocks:
            return blocks.index(block)
        if block[1] - block[0] < 2:
            raise ValueError(f"tree: no row holds leaf {block[0]} of {target}; rows hold {blocks}")
        halves = split(block)
        left = evaluate(halves[0], level, len(blocks) + level)
        right = evaluate(halves[1], level + 1, len(blocks) + level + 1)
        additions.append((left, right, into))
        used = [register - len(blocks) + 1 for register in (left, right, into) if register >= len(blocks)]
        depth = max(depth, *used, 0)
        return into

    evaluate(target, 0, -1)
    return additions, depth
