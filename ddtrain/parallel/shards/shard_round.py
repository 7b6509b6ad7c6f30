"""One call of a function for each shard of a rank; the calls take turns if the shards exchange something.

Note [Turns]
A shard is computed by one call of a function, whatever the rank that makes it. Most shards need nothing of the others
before the gradients are summed; then the calls simply follow each other. But synchronised batch-norm, in the midst of
such a call, wants the moments of all shards. There the shard leaves its own, and the next of this rank's shards
begins or goes on, in a thread of its own; the last one exchanges all of them with the other ranks, and the first goes
on. One thread runs at a time, always in the order of the shards, so that this is as predictable as a loop; shards that
exchange nothing cost no thread at all.
"""

# V shards, K shards on this rank

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.comm.reduction_tree import ReductionTree
from ddtrain.current_layer import LAYER
from ddtrain.errors import ReplicaError
from ddtrain.parallel.collectives.call_signatures import END_OF_PASS, Tag, collective_mismatch, tag_of
from ddtrain.parallel.shards.shard_threads import ShardThreads

Array = NDArray[Any]
Exchange = Callable[[list[Array], Tag], list[Array]]


class ShardPeers:
    """The collectives of one shard, in a world in which each shard is a rank.

    Parameters
    ----------
    k : the shard's index among this rank's shards
    shard, count : its number in the run, and the number of shards

    Attributes
    ----------
    suspended : the intervals of this round in which the shard waited while others had their turn
    """

    def __init__(self, k: int, shard: int, count: int) -> None:
        self._k, self.rank, self.size = k, shard, count
        self.round: Any = None
        self.suspended: list[tuple[float, float]] = []

    def allgather(self, send: Array, out: Array) -> None:
        """Put shard s's ``send`` into every shard's ``out[s]``."""
        for row, got in zip(out, self._exchange("allgather", send), strict=True):
            row[...] = got.reshape(row.shape)

    def allreduce(self, buf: Array) -> None:
        """Replace ``buf`` by its sum over all shards (Note [Tree order])."""
        ReductionTree.of_ranks(self.size).fold(self._exchange("allreduce", buf), buf.reshape(-1))

    def _exchange(self, operation: str, mine: Array) -> list[Array]:
        began, tag = perf_counter(), tag_of(operation, mine.size, mine.dtype.char, LAYER.get())
        rows: list[Array] = self.round.exchange(self._k, np.ascontiguousarray(mine).reshape(-1), tag)
        self.suspended.append((began, perf_counter()))
        return rows


class ShardRound:
    """One call of the function for each of K shards (Note [Turns]).

    Parameters
    ----------
    shards : their numbers in the run, ascending
    peers : the :class:`ShardPeers` of each shard
    exchange : given the rows of this rank's shards, returns the rows of all V shards, in order
    threads : run the shards that begin while others wait
    call : the function, called with a shard's number and its peers
    """

    def __init__(
        self,
        shards: Sequence[int],
        peers: Sequence[ShardPeers],
        exchange: Exchange,
        threads: ShardThreads,
        call: Callable[[int, Any], Any],
    ) -> None:
        self._shards, self._peers, self._exchange_rows = shards, peers, exchange
        self._thread_pool, self._call = threads, call
        self._count = len(shards)
        self._results: list[Any] = [None] * self._count
        self._turns = [threading.Semaphore(0) for _ in range(self._count)]
        self._ended = threading.Semaphore(0)  # released once by each shard that ran in a thread of its own
        # numbers of shards: begun; run in threads; with the forward pass over
        self._begun = self._threads = self._passed = 0
        # The exchange under way: the rows of the shards that have reached it, and its tag; then the last one's rows.
        self._brought: list[Array] = []
        self._tag = END_OF_PASS
        self._received: list[Array] = []
        self._error: BaseException | None = None

    def run(self) -> list[Any]:
        """All results, in order; or the first error."""
        for peers in self._peers:
            peers.round, peers.suspended = self, []
        while self._begun < self._count and self._error is None:
            # runs the first shard in this thread, and all the others too if they exchange nothing
            self._compute(self._begun)
        for _ in range(self._threads):
            self._ended.acquire()
        if self._error is not None:
            raise self._error
        return self._results

    def exchange(self, k: int, row: Array, tag: Tag) -> list[Array]:
        """Give this shard's row, let the other shards give theirs, and return the rows of all shards."""
        if len(self._brought) != k:
            raise ReplicaError(
                f"shard {self._shards[k]} exchanges something that shard {self._shards[0]} did not",
                remedy="All shards must call the same collectives in the same order.",
            )
        if k == 0:
            self._tag = tag
        elif tag.code != self._tag.code:
            raise self._mismatch(k, tag)
        self._brought.append(row.copy())
        if k + 1 == self._count:
            self._received, self._brought = self._exchange_rows(self._brought, tag), []
        if self._count > 1:
            self._pass_to((k + 1) % self._count)
            self._turns[k].acquire()
            if self._error is not None:
                raise _Abandoned
        return self._received

    def check_order(self, k: int) -> None:
        """See :meth:`ddtrain.parallel.ShardRunner.check_order`."""
        if self._passed != k:
            raise self._mismatch(k, END_OF_PASS)
        self._passed += 1

    def _mismatch(self, k: int, tag: Tag) -> ReplicaError:
        return collective_mismatch([self._tag.text, tag.text], "shard", [self._shards[0], self._shards[k]])

    def _compute(self, k: int) -> None:
        self._begun = k + 1
        try:
            self._results[k] = self._call(self._shards[k], self._peers[k])
            if self._brought:
                raise self._mismatch(k, END_OF_PASS)
        except _Abandoned:
            return
        except BaseException as error:
            self._error = error
            for other in range(self._begun):  # wake the shards that wait for a turn, so that their threads end, too
                self._turns[other].release()
            return
        if k + 1 < self._begun:
            self._turns[k + 1].release()

    def _pass_to(self, k: int) -> None:
        """Let shard ``k`` begin, in a thread of its own, or go on."""
        if k < self._begun:
            self._turns[k].release()
            return
        self._threads += 1
        context = contextvars.copy_context()
        self._thread_pool.start(self._shards[k], lambda: context.run(self._in_thread, k))

    def _in_thread(self, k: int) -> None:
        try:
            self._compute(k)
        finally:
            self._ended.release()


class _Abandoned(BaseException):
    """Raised in the waiting shards of a round to end them when another shard has failed."""
