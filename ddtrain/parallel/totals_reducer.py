"""Sums a step's totals (a small vector of losses, metrics and counts) over the ranks, in the order of the tree.

The sum begins before the backward pass, which hides it.

Note [Totals by turns]
If all ranks share memory, each writes its rows there, and reads all ranks' rows. It writes by turns into one of two
halves: a rank begins turn T when all have begun turn T - 1, so all have read what turn T - 2 left in the half that is
written now, and no barrier is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.comm.protocol import Communicator, Node, Work
from ddtrain.comm.reduction_tree import fold
from ddtrain.errors import ReplicaError
from ddtrain.parallel.shards.shard_layout import ShardLayout

Array = NDArray[Any]
_MOST = 1 << 12  # longest row in numbers that goes through the node's memory; longer rows are sent
_REMEDY = "Return the same metrics from every call of the loss."


class TotalsReducer:
    """One sum at a time: :meth:`start`, then :meth:`wait`.

    Parameters
    ----------
    comm : for totals that are sent as messages; owned by this object
    counter : a counter of the node that nothing else uses

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> from ddtrain.parallel import make_shard_layout
    >>> comm = LocalCommunicator()
    >>> node = comm.split_nodes()
    >>> reducer, totals = TotalsReducer(comm, node, make_shard_layout(comm, node), counter=6), np.empty(2)
    >>> reducer.start([np.array([1.0, 2.0])], totals)
    >>> reducer.wait()
    >>> totals
    array([1., 2.])
    """

    def __init__(self, comm: Communicator, node: Node, layout: ShardLayout, counter: int) -> None:
        self.comm = comm
        self._node, self._layout, self._counter, self._turn = node, layout, counter, 0
        # The sum under way: this rank's rows, where the result goes, and the pending work if it is sent.
        self._rows: Sequence[Array] = ()
        self._out: Array | None = None
        self._work: Work | None = None
        # rows by local rank, each preceded by its length (Note [Totals by turns])
        self._halves: list[list[Array]] = []
        if node.size == comm.size:
            parts = node.alloc(2 * len(layout.blocks) * (1 + _MOST), np.float64)
            halves = [part.reshape(2, -1, 1 + _MOST) for part in parts]
            self._halves = [[of_rank[half] for of_rank in halves] for half in range(2)]

    @property
    def waited_s(self) -> float:
        """Seconds that this rank has been blocked in messages of totals."""
        return self.comm.waited_s

    def start(self, rows: Sequence[Array], totals: Array) -> None:
        """Begin to sum ``rows``, one for each block of this rank, into ``totals``; use neither before :meth:`wait`."""
        if not self._halves:
            self._work = self.comm.isum(rows, self._layout.rank_tree, totals)
            return
        self._turn += 1
        self._rows, self._out = rows, totals
        for mine, row in zip(self._halves[self._turn % 2][self._node.rank], rows, strict=True):
            mine[0] = row.size
            if row.size <= _MOST:
                mine[1 : 1 + row.size] = row
        self._node.post(self._counter, self._turn)

    def wait(self) -> None:
        """Return when the sum is in ``totals``; at once if none was begun.

        Raises
        ------
        ReplicaError : ranks that share memory sum vectors of different lengths
        """
        if self._work is not None:
            self._work.wait()
            self._work = None
        if self._out is not None:
            totals, self._out = self._out, None
            self._sum_in_memory(totals)

    def _sum_in_memory(self, totals: Array) -> None:
        self._node.wait(self._counter, self._turn)
        layout = self._layout
        memory = self._halves[self._turn % 2]
        rows = [memory[local][row] for local, row in layout.block_owners]
        lengths = [int(row[0]) for row in rows]
        if lengths != [totals.size] * len(lengths):
            sides = ", ".join(f"rank {local} {n}" for (local, _), n in zip(layout.block_owners, lengths, strict=True))
            raise ReplicaError(f"totals: ranks sum different numbers of figures: {sides}", remedy=_REMEDY)
        if totals.size <= _MOST:
            fold(layout.node_blocks, [row[1 : 1 + totals.size] for row in rows], layout.reduced_blocks[0], totals)
        else:
            self.comm.isum(self._rows, layout.rank_tree, totals).wait()
