"""The calls that ranks are about to make, announced to all ranks before any of them is made.

Note [Announcements]
A rank has several communicators, and a rank that leaves a call out may make its next call on another one: ranks that
compared calls for each communicator alone would then wait for each other forever. So all calls of a rank are announced
over one channel, in rounds in which every rank takes part. In each round a rank says which call it wants to make, or
waits for; a call is made when every rank has announced its side of it. Second stages of hooks begin when their first
stages have arrived, which differs between ranks; so a call that only begins something is announced, and its rank goes
on. A round in which no rank has anything new to say shows that all are stuck. A rank that has returned takes part, too,
until all ranks have returned.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ddtrain.comm.differing_ranks import find_odd_ranks, in_words
from ddtrain.comm.protocol import Communicator, PeerError
from ddtrain.errors import ReplicaError

_ROUND_BYTES = 256  # room for one announcement: the call in words, and the caller's line, which is not compared
_REMEDY = "All ranks must call the same collectives in the same order."


class Announcement(NamedTuple):
    """One rank's side of a call: the call is known by communicator and number, and described in words."""

    call: str
    words: str
    line: str

    def __str__(self) -> str:
        return f"{self.call}: {self.words}, at {self.line}" if self.line else self.words


class Announcements:
    """One rank's view of what every rank has announced; shared by all its communicators (Note [Announcements])."""

    def __init__(self, channel: Communicator) -> None:
        self.channel = channel
        # announcements by rank, for each call that not all ranks have announced yet
        self._open: dict[str, dict[int, Announcement]] = {}
        self._latest: list[Announcement | None] = [None] * channel.size
        self._starts: dict[str, Callable[[], None]] = {}  # what starts each of this rank's open calls

    def begin(self, mine: Announcement, start: Callable[[], None]) -> None:
        """Announce a call, which starts as soon as all ranks have announced the same.

        Raises
        ------
        ReplicaError : on all ranks, if one calls something else or all are stuck; the other methods raise it, too
        """
        self._starts[mine.call] = start
        self._round(mine)

    def wait_started(self, mine: Announcement) -> None:
        """Return when a call has started."""
        while mine.call in self._open:
            self._round(mine)

    def finish(self) -> None:
        """Take part until every rank has returned, or the others are stuck."""
        over = Announcement("", "has returned", "")
        try:
            self._round(over)
            while any(latest != over for latest in self._latest):
                self._round(over)
        except (PeerError, ReplicaError):
            return  # the rank that still waits raises the error

    def _round(self, mine: Announcement) -> None:
        everybody = self._exchange(mine)
        news = [rank for rank, said in enumerate(everybody) if said != self._latest[rank]]
        self._latest = list(everybody)
        if not news:
            raise ReplicaError(_mismatch(everybody), remedy=_REMEDY)
        for rank in news:
            if everybody[rank].call:
                self._open.setdefault(everybody[rank].call, {})[rank] = everybody[rank]
        for call, sides in tuple(self._open.items()):
            if len(sides) == self.channel.size:
                del self._open[call]
                if len({said.words for said in sides.values()}) > 1:
                    raise ReplicaError(_mismatch([sides[rank] for rank in sorted(sides)]), remedy=_REMEDY)
                self._starts.pop(call)()

    def _exchange(self, mine: Announcement) -> list[Announcement]:
        text = "\0".join((mine.call, mine.words, mine.line[-100:])).encode()[:_ROUND_BYTES]
        rows = np.empty((self.channel.size, _ROUND_BYTES), np.uint8)
        self.channel.allgather(np.frombuffer(text.ljust(_ROUND_BYTES, b"\0"), np.uint8), rows)
        texts = [row.tobytes().decode(errors="replace").rstrip("\0") for row in rows]
        return [Announcement(*(text.split("\0") + [""] * 2)[:3]) for text in texts]


def _mismatch(said: list[Announcement]) -> str:
    """The error that names the ranks that differ from the majority, and both sides' calls."""
    found = find_odd_ranks([(one.call, one.words) for one in said])
    lines = [f"{in_words(found.alike)}: {said[found.alike[0]]}", *(f"rank {rank}: {said[rank]}" for rank in found.odd)]
    verb = "calls another collective" if len(found.odd) == 1 else "call other collectives"
    return f"{in_words(found.odd)} {verb} than {in_words(found.alike)}\n    " + "\n    ".join(lines)
