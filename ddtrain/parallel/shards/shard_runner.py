"""Calls a function for each of this rank's shards: one after another, or in turns if they exchange something."""

# V shards, P ranks, K shards on this rank

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ddtrain.parallel.collectives.call_signatures import Tag
from ddtrain.parallel.collectives.small_collectives import SmallCollectives
from ddtrain.parallel.shards.shard_layout import ShardLayout
from ddtrain.parallel.shards.shard_round import ShardPeers, ShardRound
from ddtrain.parallel.shards.shard_threads import ShardThreads

Array = NDArray[Any]
T = TypeVar("T")


class ShardRunner:
    """Calls a function for each of this rank's shards.

    Parameters
    ----------
    comm : carries what shards exchange while they are computed; owned by this object
    layout : says which shards this rank computes

    Attributes
    ----------
    channel : the collectives in use: ``comm``, or a wrapper that records them

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> from ddtrain.parallel import make_shard_layout, make_small_collectives
    >>> comm = LocalCommunicator()
    >>> node = comm.split_nodes()
    >>> shards = ShardRunner(make_small_collectives(comm, node, 4), make_shard_layout(comm, node, 3))
    >>> def sum_of_squares(shard, peers):
    ...     buf = np.array([float(shard**2)])
    ...     peers.allreduce(buf)
    ...     return buf[0]
    >>> shards.map(sum_of_squares)
    [np.float64(5.0), np.float64(5.0), np.float64(5.0)]
    """

    def __init__(self, comm: SmallCollectives, layout: ShardLayout) -> None:
        self.comm, self.layout = comm, layout
        self.channel: Any = comm
        held_by = layout.shards_by_rank
        firsts = [held.start for held in held_by]
        # Rank r is shard r, or all ranks are rank 0, on the null backend: the communicator is all they need.
        self._shard_a_rank = layout.count == comm.size and firsts == sorted(firsts)
        self._peers = [ShardPeers(k, shard, layout.count) for k, shard in enumerate(layout.shards)]
        self._threads = ShardThreads()
        self._round: ShardRound | None = None
        # (rank, its shard number) for each row of an allgather
        self._rows = [(rank, k) for rank, held in enumerate(held_by) for k in range(len(held))]
        self._rows.sort(key=lambda row: held_by[row[0]][row[1]])  # sort the rows by shard
        self._most = max(map(len, held_by))

    @property
    def waited_s(self) -> float:
        """Seconds that this rank has been blocked in exchanges between shards."""
        return self.comm.waited_s

    def map(self, call: Callable[[int, Any], T]) -> list[T]:
        """``call(shard, peers)`` for each of this rank's shards; ``peers`` has its collectives with all other shards.

        Raises
        ------
        ReplicaError : one shard exchanges something and another does not
        """
        if self._shard_a_rank:
            found = [call(self.layout.shards[0], self.channel)]
        else:
            self._round = ShardRound(self.layout.shards, self._peers, self._exchange, self._threads, call)
            found = self._round.run()
        self.end_pass()
        return found

    def end_pass(self) -> None:
        """Tell the ranks that may be waiting that no shard of this rank exchanges anything more in this pass."""
        if self.comm.size > 1:
            self.comm.end_pass()

    def check_order(self, k: int) -> None:
        """Check that the shards before this rank's k-th one have also reached this place in their calls.

        Raises
        ------
        ReplicaError : one of them waits for an exchange that the k-th has left out
        """
        if self._round is not None:
            self._round.check_order(k)

    def _exchange(self, rows: list[Array], tag: Tag) -> list[Array]:
        """The rows of all V shards in order, given those of this rank's shards."""
        if self.comm.size == 1:
            return rows
        send = np.zeros((self._most, rows[0].size), rows[0].dtype)
        for row, mine in zip(send, rows, strict=False):
            row[...] = mine
        everybody = np.empty((self.comm.size, *send.shape), send.dtype)
        self.channel.allgather(send, everybody, tag)
        return [everybody[row] for row in self._rows]
