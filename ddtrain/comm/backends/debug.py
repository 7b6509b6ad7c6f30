"""Wraps a backend: before each collective, all ranks agree on what they are about to call (``announcements.py``).

MPI does not notice if one rank sums other numbers than the rest: swapped buckets, another dtype of the same size, a
skipped step. The run then ends with exit code 0 and wrong weights, or never. Here the first such call raises on every
rank.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from ddtrain.comm.backends.announcements import Announcement, Announcements
from ddtrain.comm.backends.caller_line import caller_line
from ddtrain.comm.node.single_rank import SingleRankNode
from ddtrain.comm.protocol import RETURNED, Array, Communicator, Work
from ddtrain.comm.reduction_tree import ReductionTree

_WORLD = "world"


class DebugWork:
    """A collective that begins when all ranks have announced it."""

    def __init__(self, announcements: Announcements, mine: Announcement, begin: Callable[[], Work]) -> None:
        self._announcements, self._mine, self._begin = announcements, mine, begin
        self._work: Work | None = None
        announcements.begin(mine, self._start)

    def _start(self) -> None:
        self._work = self._begin()

    def test(self) -> bool:
        """True when done."""
        return self._work is not None and self._work.test()

    def wait(self) -> None:
        """Return when done."""
        self._announcements.wait_started(self._mine)
        assert self._work is not None, "settled, hence started"
        self._work.wait()


class DebugCommunicator:
    """A communicator that checks before it calls. Its methods: see :class:`~ddtrain.comm.protocol.Communicator`.

    Every call costs one or a few allgathers of 256 bytes a rank, which wait for the other ranks' next calls.

    Parameters
    ----------
    name : the same on all ranks, and different for every communicator
    announcements : this rank's announcements, shared with the duplicates

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> comm = DebugCommunicator(LocalCommunicator())
    >>> comm.spec, comm.exchange_objects(1)
    ('debug:local', [1])
    """

    def __init__(self, inner: Communicator, name: str = _WORLD, announcements: Announcements | None = None) -> None:
        self._inner, self._name = inner, name
        self._first = announcements is None  # of those that share announcements
        self._announcements = announcements or Announcements(inner.duplicate())
        self.rank, self.size, self.spec = inner.rank, inner.size, f"debug:{inner.spec}"
        self._calls = self._duplicates = self._splits = 0

    @property
    def waited_s(self) -> float:
        """Seconds blocked; the first communicator's include the waits for announcements."""
        own = self._inner.waited_s
        return own + self._announcements.channel.waited_s if self._first else own

    def allreduce(self, buf: Array) -> None:
        self._agree("allreduce sum", buf)
        self._inner.allreduce(buf)

    def iallreduce(self, buf: Array) -> Work:
        return self._begin(lambda: self._inner.iallreduce(buf), "iallreduce sum", buf)

    def isum(self, rows: Sequence[Array], tree: ReductionTree, out: Array) -> Work:
        return self._begin(lambda: self._inner.isum(rows, tree, out), f"isum of {len(tree.rows)} blocks", out)

    def reduce_scatter(self, buf: Array, out: Array) -> None:
        self._agree("reduce_scatter sum", buf)
        self._inner.reduce_scatter(buf, out)

    def allgather(self, send: Array, out: Array) -> None:
        self._agree("allgather", send)
        self._inner.allgather(send, out)

    def iallgather(self, send: Array, out: Array) -> Work:
        return self._begin(lambda: self._inner.iallgather(send, out), "iallgather", send)

    def ialltoall(self, send: Array, out: Array) -> Work:
        return self._begin(lambda: self._inner.ialltoall(send, out), "ialltoall", send)

    def ishift(self, send: Array, out: Array) -> Work:
        self._agree("ishift", send)
        return self._inner.ishift(send, out)

    def broadcast(self, buf: Array, root: int = 0) -> None:
        self._agree(f"broadcast from root {root}", buf)
        self._inner.broadcast(buf, root)

    def exchange_objects(self, obj: Any) -> list[Any]:
        self._agree("exchange_objects")
        return self._inner.exchange_objects(obj)

    def barrier(self) -> None:
        self._agree("barrier")
        self._inner.barrier()

    def progress(self) -> None:
        self._inner.progress()

    def duplicate(self) -> DebugCommunicator:
        self._agree("duplicate")
        self._duplicates += 1
        return DebugCommunicator(self._inner.duplicate(), f"{self._name}.{self._duplicates}", self._announcements)

    def split(self, color: int) -> DebugCommunicator:
        """The groups agree among themselves: their announcements are their own."""
        self._agree("split")
        self._splits += 1
        return DebugCommunicator(self._inner.split(color), f"{self._name}/{self._splits}.{color}")

    def split_nodes(self, bytes_per_rank: int = 0, bytes_per_node: int = 0) -> SingleRankNode:
        """Every rank is a node of its own, so that all exchange goes through collectives, which are compared."""
        return SingleRankNode(self)

    def abort(self, code: int) -> None:
        self._inner.abort(code)

    def close(self) -> None:
        if self._first:
            self._announcements.channel.close()
        self._inner.close()

    def exchange_outcomes(self, outcome: str, timeout_s: float | None) -> list[str] | None:
        if outcome.startswith(RETURNED):
            self._announcements.finish()
        return self._inner.exchange_outcomes(outcome, timeout_s)

    def fail(self, error: BaseException, code: int) -> None:
        self._inner.fail(error, code)

    def _begin(self, begin: Callable[[], Work], operation: str, buf: Array) -> Work:
        """A work that starts when all ranks have announced the same call."""
        return DebugWork(self._announcements, self._announcement(operation, buf), begin)

    def _agree(self, operation: str, buf: Array | None = None) -> None:
        """Return when all ranks have announced the same call; raise ReplicaError on all ranks if they differ."""
        mine = self._announcement(operation, buf)
        self._announcements.begin(mine, lambda: None)
        self._announcements.wait_started(mine)

    def _announcement(self, operation: str, buf: Array | None) -> Announcement:
        self._calls += 1
        words = operation if buf is None else f"{operation} of {buf.size} x {buf.dtype}"
        return Announcement(f"number {self._calls} on {self._name}", words, caller_line(sys._getframe()))
