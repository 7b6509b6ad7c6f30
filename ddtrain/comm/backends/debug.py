"""Wraps a backend: before each collective, all ranks agree on what they are about to call.

MPI does not notice that one rank sums other numbers than the rest: swapped buckets, another dtype of the same size, a
step left out. The run ends with exit code 0 and wrong weights, or never. Here the first such call raises on every rank.

Note [Announcements]
A rank has several communicators, and where one rank leaves a call out, its next may be on another: ranks that compared
calls communicator by communicator would wait for each other for ever. So all of a rank's calls are announced over one
channel, in rounds that every rank takes part in. In each round a rank says which call it wants to make, or waits for;
a call is made when every rank has announced its side of it. Second stages of hooks begin when their first have arrived,
at other moments on other ranks; so what only begins is announced, and its rank goes on. A round in which no rank has
anything new to say shows that none can go on. A rank that has returned takes part, too, until all have.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ddtrain.comm.backends.rendezvous import FINISHED
from ddtrain.comm.backends.wait_graph import caller_line, ranks
from ddtrain.comm.node.single_rank import SoloNode
from ddtrain.comm.protocol import Array, Communicator, PeerError, Work
from ddtrain.comm.reduction_tree import Tree
from ddtrain.errors import ReplicaError

_WORLD = "world"
_ROUND_BYTES = 256  # an announcement: which call, in words, and, not compared, the end of the calling line


class Announcement(NamedTuple):
    """One rank's side of a call: the call is known by communicator and number, and described in words."""

    call: str
    words: str
    line: str

    def __str__(self) -> str:
        return f"{self.call}: {self.words}, at {self.line}" if self.line else self.words


class Announcements:
    """What every rank has announced, on one of them; shared by all its communicators (Note [Announcements])."""

    def __init__(self, channel: Communicator) -> None:
        self.channel = channel
        self._open: dict[str, dict[int, Announcement]] = {}  # calls that not all ranks have announced
        self._latest: list[Announcement | None] = [None] * channel.size
        self._starts: dict[str, Callable[[], None]] = {}  # of this rank's open calls

    def begin(self, mine: Announcement, start: Callable[[], None]) -> None:
        """Announce a call, which starts as soon as all ranks have announced the same.

        Raises
        ------
        ReplicaError : on all ranks, where one calls something else, or none can go on; so do the other methods
        """
        self._starts[mine.call] = start
        self._round(mine)

    def settle(self, mine: Announcement) -> None:
        """Return when a call has started."""
        while mine.call in self._open:
            self._round(mine)

    def finish(self) -> None:
        """Take part until every rank has returned, or those that have not cannot."""
        over = Announcement("", "has returned", "")
        try:
            self._round(over)
            while any(latest != over for latest in self._latest):
                self._round(over)
        except (PeerError, ReplicaError):
            return  # who waits says so

    def _round(self, mine: Announcement) -> None:
        everybody = self._exchange(mine)
        news = [rank for rank, said in enumerate(everybody) if said != self._latest[rank]]
        self._latest = list(everybody)
        if not news:
            raise ReplicaError(_difference(everybody), remedy=_REMEDY)
        for rank in news:
            if everybody[rank].call:
                self._open.setdefault(everybody[rank].call, {})[rank] = everybody[rank]
        for call, sides in tuple(self._open.items()):
            if len(sides) == self.channel.size:
                del self._open[call]
                if len({said.words for said in sides.values()}) > 1:
                    raise ReplicaError(_difference([sides[rank] for rank in sorted(sides)]), remedy=_REMEDY)
                self._starts.pop(call)()

    def _exchange(self, mine: Announcement) -> list[Announcement]:
        text = "\0".join((mine.call, mine.words, mine.line[-100:])).encode()[:_ROUND_BYTES]
        rows = np.empty((self.channel.size, _ROUND_BYTES), np.uint8)
        self.channel.allgather(np.frombuffer(text.ljust(_ROUND_BYTES, b"\0"), np.uint8), rows)
        texts = [row.tobytes().decode(errors="replace").rstrip("\0") for row in rows]
        return [Announcement(*(text.split("\0") + [""] * 2)[:3]) for text in texts]


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
        self._announcements.settle(self._mine)
        assert self._work is not None, "settled, hence started"
        self._work.wait()


class DebugCommunicator:
    """A communicator that checks before it calls. Its methods: see :class:`~ddtrain.comm.protocol.Communicator`.

    Every call costs an allgather of 256 bytes a rank, or a few, which waits for the others' next calls.

    Parameters
    ----------
    name : the same on all ranks, another for every communicator
    announcements : of this rank, shared with the duplicates

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> comm = DebugCommunicator(LocalCommunicator())
    >>> comm.spec, comm.exchange_objects(1)
    ('debug:local', [1])
    """

    def __init__(self, inner: Communicator, name: str = _WORLD, announcements: Announcements | None = None) -> None:
        self._inner, self._name = inner, name
        self._announcements = announcements or Announcements(inner.duplicate())
        self.rank, self.size, self.spec = inner.rank, inner.size, f"debug:{inner.spec}"
        self._calls = self._duplicates = 0

    @property
    def waited_s(self) -> float:
        """Seconds blocked; announcements count where the world is asked."""
        own = self._inner.waited_s
        return own + self._announcements.channel.waited_s if self._name == _WORLD else own

    def allreduce(self, buf: Array) -> None:
        self._agree("allreduce sum", buf)
        self._inner.allreduce(buf)

    def iallreduce(self, buf: Array) -> Work:
        return self._begin(lambda: self._inner.iallreduce(buf), "iallreduce sum", buf)

    def isum(self, rows: Sequence[Array], tree: Tree, out: Array) -> Work:
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

    def split_nodes(self, shared_bytes: int = 0, once_bytes: int = 0) -> SoloNode:
        """Every rank alone, so that all exchange goes through collectives, which are compared."""
        return SoloNode(self)

    def abort(self, code: int) -> None:
        self._inner.abort(code)

    def close(self) -> None:
        if self._name == _WORLD:
            self._announcements.channel.close()
        self._inner.close()

    def part(self, outcome: str, patience_s: float | None) -> list[str] | None:
        if outcome.startswith(FINISHED):
            self._announcements.finish()
        return self._inner.part(outcome, patience_s)

    def fail(self, error: BaseException, code: int) -> None:
        self._inner.fail(error, code)

    def _begin(self, begin: Callable[[], Work], operation: str, buf: Array) -> Work:
        """What will have begun when all ranks have announced the same."""
        return DebugWork(self._announcements, self._announcement(operation, buf), begin)

    def _agree(self, operation: str, buf: Array | None = None) -> None:
        """Return when all ranks have announced the same; raise ReplicaError on all of them where they differ."""
        mine = self._announcement(operation, buf)
        self._announcements.begin(mine, lambda: None)
        self._announcements.settle(mine)

    def _announcement(self, operation: str, buf: Array | None) -> Announcement:
        self._calls += 1
        words = operation if buf is None else f"{operation} of {buf.size} x {buf.dtype}"
        return Announcement(f"number {self._calls} on {self._name}", words, caller_line(sys._getframe()))


def _difference(said: list[Announcement]) -> str:
    """Who differs from the majority, and both sides."""
    sides = [(one.call, one.words) for one in said]
    usual = Counter(sides).most_common(1)[0][0]
    odd = [rank for rank, side in enumerate(sides) if side != usual]
    alike = [rank for rank in range(len(said)) if rank not in odd]
    lines = [f"{ranks(alike)}: {said[alike[0]]}", *(f"rank {rank}: {said[rank]}" for rank in odd)]
    verb = "calls another collective" if len(odd) == 1 else "call other collectives"
    return f"{ranks(odd)} {verb} than {ranks(alike)}\n    " + "\n    ".join(lines)


_REMEDY = "All ranks must call the same collectives in the same order."
