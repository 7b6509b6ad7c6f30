"""Sums over MPI ranks in the order of the tree, which MPI's own sums do not follow.

Note [Two stages]
MPI may add in any order, so with three or more ranks the sum is made here (Note [Tree order] in
``comm/reduction_tree.py``). Small vectors are gathered whole and folded by everyone. Large ones go in two stages: rank
r collects slice r of all ranks' rows and folds it, then sends it to all. When the second stage begins differs between
ranks, while MPI wants collectives in one order; so the stages are messages, told apart by a tag. (MPICH's Ialltoallv
would do for the first, but took 1.7 s for 12 MB on three ranks where these take 2 ms.) A wait on anything drives all
works: another rank may need our second stage before it can join what we wait for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ddtrain.comm.backends.mpi.library import MPI
from ddtrain.comm.backends.mpi.messages import MpiMessages, Test, as_bytes
from ddtrain.comm.protocol import Array
from ddtrain.comm.reduction_tree import ReductionTree
from ddtrain.partition import part_bounds

_SMALL_BYTES = 1 << 13  # up to this size, one allgather is faster than the two stages
_MPI_ADDS = frozenset("fdgFDbhilqBHILQ")  # dtype characters that MPI_SUM knows

Stages = tuple[Test, Callable[[], Test] | None]  # the test of the first stage, and what starts the second one


class MpiTreeSum:
    """The sums of one communicator of two ranks or more."""

    def __init__(self, comm: MPI.Intracomm, messages: MpiMessages) -> None:
        self._comm, self._messages = comm, messages
        self._rank, self._size = comm.rank, comm.size
        self._scratch: dict[int, list[Array]] = {}

    def begin(self, rows: Sequence[Array], tree: ReductionTree, out: Array) -> Stages:
        """Begin to sum all ranks' rows into every rank's ``out``; see ``Communicator.isum``."""
        # a single addition has only one order, so MPI's own sum will do
        if self._size == 2 and tree.leaves == 2 and out.dtype.char in _MPI_ADDS:
            if rows[0] is not out:
                out[...] = rows[0]
            return self._comm.Iallreduce(MPI.IN_PLACE, out).Test, None
        return (self._gather_whole if out.nbytes <= _SMALL_BYTES else self._gather_slices)(rows, tree, out)

    def begin_scatter(self, vector: Array, out: Array) -> tuple[Test, Callable[[], None]]:
        """Begin to collect this rank's slice of all vectors; the returned function then sums it into ``out``."""
        tree = ReductionTree.of_ranks(self._size)
        test, parts = self._collect([self._slices(vector)], tree, self._messages.new_tag())

        def finish() -> None:
            tree.fold(list(parts), out)
            self._give_back(parts)

        return test, finish

    def _gather_whole(self, rows: Sequence[Array], tree: ReductionTree, out: Array) -> Stages:
        most = tree.most_blocks
        everybody = self._borrow(self._size * most, out)
        mine = everybody[self._rank * most :][:most]
        # ranks may hold unequal numbers of blocks; the largest sets the number of rows
        for row, at in zip(rows, mine, strict=False):
            at[...] = row
        request = self._comm.Iallgather(MPI.IN_PLACE, as_bytes(everybody.reshape(-1)))

        def finish() -> Test:
            held = [everybody[r * most + k] for r, blocks in enumerate(tree.blocks) for k in range(len(blocks))]
            tree.fold(held, out)
            self._give_back(everybody)
            return MPI.REQUEST_NULL.Test

        return request.Test, finish

    def _gather_slices(self, rows: Sequence[Array], tree: ReductionTree, out: Array) -> Stages:
        tag = self._messages.new_tag()
        test, parts = self._collect([self._slices(row) for row in rows], tree, tag)
        slices = self._slices(out)

        def gather() -> Test:
            tree.fold(list(parts), slices[self._rank])
            self._give_back(parts)
            return self._messages.exchange([[slices[self._rank]]] * self._size, [[part] for part in slices], tag)

        return test, gather

    def _collect(self, slices: Sequence[list[Array]], tree: ReductionTree, tag: int) -> tuple[Test, Array]:
        """Begin to collect this rank's slice of all ranks' rows: a part for each block of the tree.

        ``slices[k][r]`` is rank r's slice of this rank's row k.
        """
        parts = self._borrow(len(tree.rows), slices[0][self._rank])
        by_rank, at = [], 0
        for blocks in tree.blocks:
            by_rank.append(list(parts[at : at + len(blocks)]))
            at += len(blocks)
        for part, mine in zip(by_rank[self._rank], slices, strict=True):
            part[...] = mine[self._rank]
        send = [[row[r] for row in slices] for r in range(self._size)]
        return self._messages.exchange(send, by_rank, tag), parts

    def _slices(self, vector: Array) -> list[Array]:
        return [vector[slice(*part_bounds(vector.size, r, self._size))] for r in range(self._size)]

    def _borrow(self, rows: int, like: Array) -> Array:
        """Reused memory for ``rows`` vectors like the given one: new memory costs more in page faults than filling."""
        nbytes = rows * like.nbytes
        spare = self._scratch.get(nbytes)
        raw = spare.pop() if spare else np.empty(nbytes, np.uint8)
        return raw.view(like.dtype).reshape(rows, like.size)

    def _give_back(self, rows: Array) -> None:
        self._scratch.setdefault(rows.nbytes, []).append(rows.reshape(-1).view(np.uint8))
