"""Several shards on one rank: one after another, and by turns where they have to hear of each other.

Note [Turns]
A shard is computed by one call of a function, whatever the rank that makes it. Most shards need nothing of the others
before the gradients are summed; then the calls simply follow each other. But synchronised batch-norm, in the midst of
such a call, wants the moments of all shards. There the shard leaves its own, and the next of this rank's shards
begins or goes on, in a thread of its own; the last one exchanges all of them with the other ranks, and the first goes
on. One thread runs at a time, always in the order of the shards, so that this is as predictable as a loop; shards that
never meet cost no thread at all.
"""

# V shards, P ranks, K shards on this rank

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ddtrain.comm.reduction_tree import Tree
from ddtrain.current_layer import LAYER
from ddtrain.errors import ReplicaError
from ddtrain.parallel.collective_tags import END, Tag, difference, tag_of
from ddtrain.parallel.shard_layout import Place
from ddtrain.parallel.small_collectives import Collectives

Array = NDArray[Any]
T = TypeVar("T")


class Shards:
    """This rank's shards, and how a function is called for each.

    Parameters
    ----------
    comm : for what shards exchange while they are computed; this object has it to itself
    place : which shards are here

    Attributes
    ----------
    link : what they exchange through: ``comm``, or something around it that listens

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> from ddtrain.parallel import find_place, nearby
    >>> comm = LocalCommunicator()
    >>> node = comm.split_nodes()
    >>> shards = Shards(nearby(comm, node, 4), find_place(comm, node, 3))
    >>> def sum_of_squares(shard, peers):
    ...     buf = np.array([float(shard**2)])
    ...     peers.allreduce(buf)
    ...     return buf[0]
    >>> shards.each(sum_of_squares)
    [np.float64(5.0), np.float64(5.0), np.float64(5.0)]
    """

    def __init__(self, comm: Collectives, place: Place) -> None:
        self.comm, self.place = comm, place
        self.link: Any = comm
        firsts = [held.start for held in place.held]
        # Rank r is shard r, or all ranks are rank 0, on the null backend: the communicator is all they need.
        self._whole = place.count == comm.size and firsts == sorted(firsts)
        self.peers = [ShardPeers(self, k) for k in range(len(place.shards))]
        self._workers: dict[int, _Worker] = {}
        self._ranks = [(rank, k) for rank, held in enumerate(place.held) for k in range(len(held))]
        self._ranks.sort(key=lambda at: place.held[at[0]][at[1]])  # in the order of shards
        self._most = max(map(len, place.held))

    @property
    def waited_s(self) -> float:
        """Seconds that this rank has been blocked in what its shards exchange."""
        return self.comm.waited_s

    def each(self, call: Callable[[int, Any], T]) -> list[T]:
        """``call(shard, peers)`` for each of this rank's shards; ``peers`` is for what it exchanges with all others.

        Raises
        ------
        ReplicaError : one shard exchanges something and another does not
        """
        found = [call(self.place.shards[0], self.link)] if self._whole else _Round(self, call).run()
        self.end()
        return found

    def end(self) -> None:
        """None of this rank's shards exchanges anything more in this pass: tell those that wait for it."""
        if self.comm.size > 1:
            self.comm.end()

    def half_way(self, k: int) -> None:
        """This rank's k-th shard has come half way through its call, as the shards before it have.

        Raises
        ------
        ReplicaError : one of them has not: it waits for an exchange that this one has left out
        """
        if not self._whole:
            self.peers[k].round.half_way(k)

    def worker(self, k: int) -> _Worker:
        """The thread of this rank's k-th shard."""
        if k not in self._workers:
            self._workers[k] = _Worker(f"shard {self.place.shards[k]}")
        return self._workers[k]

    def exchange(self, rows: list[Array], tag: Tag) -> list[Array]:
        """Everybody's rows, of all V shards in order, from this rank's."""
        if self.comm.size == 1:
            return rows
        send = np.zeros((self._most, rows[0].size), rows[0].dtype)
        for row, mine in zip(send, rows, strict=False):
            row[...] = mine
        everybody = np.empty((self.comm.size, *send.shape), send.dtype)
        self.link.allgather(send, everybody, tag)
        return [everybody[at] for at in self._ranks]


class ShardPeers:
    """What a shard is given to speak to the others: the collectives of a world in which shards are ranks."""

    def __init__(self, shards: Shards, k: int) -> None:
        self._k, self.rank, self.size = k, shards.place.shards[k], shards.place.count
        self.round: Any = None
        self.away: list[tuple[float, float]] = []  # when, in this round, other shards had their turn

    def allgather(self, send: Array, out: Array) -> None:
        """Put shard s's ``send`` into everybody's ``out[s]``."""
        for row, got in zip(out, self._meet("allgather", send), strict=True):
            row[...] = got.reshape(row.shape)

    def allreduce(self, buf: Array) -> None:
        """Replace ``buf`` by its sum over all shards (Note [Tree order])."""
        Tree.ranks(self.size).fold(self._meet("allreduce", buf), buf.reshape(-1))

    def _meet(self, operation: str, mine: Array) -> list[Array]:
        began, tag = perf_counter(), tag_of(operation, mine.size, mine.dtype.char, LAYER.get())
        rows: list[Array] = self.round.meet(self._k, np.ascontiguousarray(mine).reshape(-1), tag)
        self.away.append((began, perf_counter()))
        return rows


class _Round:
    """One call of the function for each of K shards (Note [Turns])."""

    def __init__(self, shards: Shards, call: Callable[[int, Any], Any]) -> None:
        self._shards, self._call = shards, call
        self._count = len(shards.place.shards)
        self._results: list[Any] = [None] * self._count
        self._turns = [threading.Semaphore(0) for _ in range(self._count)]
        self._ended = threading.Semaphore(0)  # once for each shard that had a thread of its own
        self._begun = self._threads = self._half_way = 0
        self._left: list[Array] = []  # at the present meeting, by the shards that have come to it
        self._tag = END  # of the present meeting
        self._met: list[Array] = []  # everybody's, of the last meeting
        self._error: BaseException | None = None

    def run(self) -> list[Any]:
        """All results, in order; or the first error."""
        for peers in self._shards.peers:
            peers.round, peers.away = self, []
        while self._begun < self._count and self._error is None:
            self._compute(self._begun)  # in this thread: the first shard, and all others if they never meet
        for _ in range(self._threads):
            self._ended.acquire()
        if self._error is not None:
            raise self._error
        return self._results

    def meet(self, k: int, row: Array, tag: Tag) -> list[Array]:
        """Leave a row, let the others come here, and return everybody's rows."""
        if len(self._left) != k:
            raise ReplicaError(
                f"shard {self._name(k)} exchanges something that shard {self._name(0)} did not",
                remedy="All shards must call the same collectives in the same order.",
            )
        if k == 0:
            self._tag = tag
        elif tag.code != self._tag.code:
            raise difference([self._tag.text, tag.text], "shard", [self._name(0), self._name(k)])
        self._left.append(row.copy())
        if k + 1 == self._count:
            self._met, self._left = self._shards.exchange(self._left, tag), []
        if self._count > 1:
            self._pass_to((k + 1) % self._count)
            self._turns[k].acquire()
            if self._error is not None:
                raise _Abandoned
        return self._met

    def half_way(self, k: int) -> None:
        """See :meth:`Shards.half_way`."""
        if self._half_way != k:
            raise self._left_out(k)
        self._half_way += 1

    def _left_out(self, k: int) -> ReplicaError:
        return difference([self._tag.text, END.text], "shard", [self._name(0), self._name(k)])

    def _compute(self, k: int) -> None:
        self._begun = k + 1
        try:
            self._results[k] = self._call(self._shards.place.shards[k], self._shards.peers[k])
            if self._left:
                raise self._left_out(k)
        except _Abandoned:
            return
        except BaseException as error:
            self._error = error
            for other in range(self._begun):  # they wait for a turn, or have ended
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
        self._shards.worker(k).do(lambda: context.run(self._in_thread, k))

    def _in_thread(self, k: int) -> None:
        try:
            self._compute(k)
        finally:
            self._ended.release()

    def _name(self, k: int) -> int:
        return self._shards.place.shards[k]


class _Abandoned(BaseException):
    """Unwinds the shards of a round in which another has failed."""


class _Worker:
    """A thread that computes one shard of every round: it keeps its scratch memory from one to the next."""

    def __init__(self, name: str) -> None:
        self._job: Callable[[], None] = lambda: None
        self._go = threading.Semaphore(0)
        threading.Thread(target=self._serve, name=name, daemon=True).start()

    def do(self, job: Callable[[], None]) -> None:
        """Begin a job."""
        self._job = job
        self._go.release()

    def _serve(self) -> None:
        while True:
            self._go.acquire()
            self._job()
            self._job = lambda: None
