"""Where ranks that are threads meet: calls are posted, the last to arrive does the work for all.

A *call* is one rank's side of a collective. A *meeting* is all ranks' calls with the same channel and sequence
number. Blocked ranks are known, so that the moment when nobody can go on is known, too, without any time-out:
a rank that computes, or sits in a debugger, is simply not blocked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ddtrain.comm.backends.wait_graph import line_of, ranks
from ddtrain.comm.protocol import Array, PeerError
from ddtrain.comm.reduction_tree import Tree
from ddtrain.errors import DdtrainError, ReplicaError, StallError

Channel = tuple[int, ...]  # () for the first communicator, (k,) for its k-th duplicate, and so on


@dataclass(frozen=True, slots=True)
class Call:
    """One rank's side of a collective; ranks must agree on ``signature``."""

    name: str
    send: Array
    out: Array
    root: int
    complete: Callable[[list[Call]], None]
    rows: Sequence[Array] = ()
    tree: Tree | None = None

    @property
    def signature(self) -> tuple[str, str, int, int, Tree | None]:
        """What must be the same on all ranks: name, dtype, count, root, and who holds which rows of a sum."""
        return self.name, str(self.send.dtype), self.send.size, self.root, self.tree

    def __str__(self) -> str:
        root = f", root {self.root}" if self.name == "broadcast" else ""
        return f"{self.name}({self.send.size} x {self.send.dtype}{root})"


@dataclass(eq=False, slots=True)
class Meeting:
    """The calls of one collective, and whether it is over."""

    channel: Channel
    sequence: int
    calls: dict[int, Call] = field(default_factory=dict)
    done: bool = False
    error: str = ""

    def hold(self) -> None:
        """Do the collective, all calls being there; a disagreement is an error on every rank."""
        calls = [self.calls[rank] for rank in sorted(self.calls)]
        if len({call.signature for call in calls}) == 1:
            calls[0].complete(calls)
        else:
            sides = "; ".join(f"rank {rank} called {call}" for rank, call in enumerate(calls))
            self.error = f"collective {self.sequence} differs between ranks: {sides}"


class MeetingPlace:
    """The state that the ranks of one world share, under one lock."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._changed = threading.Condition()
        self._open: dict[tuple[Channel, int], Meeting] = {}
        self._blocked: dict[int, tuple[Meeting, int]] = {}  # rank -> where it waits, identity of its thread
        self._parted: dict[int, str] = {}  # rank -> how it ended
        self._failure: Callable[[], DdtrainError] | None = None  # makes the error that every rank raises from now on

    def post(self, rank: int, channel: Channel, sequence: int, call: Call) -> Meeting:
        """Bring a call to its meeting; the last to come does the work, outside the lock."""
        with self._changed:
            self._raise_failure()
            meeting = self._open.setdefault((channel, sequence), Meeting(channel, sequence))
            meeting.calls[rank] = call
            if len(meeting.calls) < self.size:
                return meeting
            del self._open[channel, sequence]
        meeting.hold()
        with self._changed:
            meeting.done = True
            self._changed.notify_all()
        return meeting

    def test(self, meeting: Meeting) -> bool:
        """Is the meeting over?"""
        if not meeting.done:
            self._raise_failure()
        elif meeting.error:
            raise ReplicaError(meeting.error, remedy=_SAME_ORDER)
        return meeting.done

    def wait(self, rank: int, meeting: Meeting) -> None:
        """Return when the meeting is over."""
        if not meeting.done:
            with self._changed:
                self._blocked[rank] = meeting, threading.get_ident()
                try:
                    self._look_for_stall()
                    self._changed.wait_for(lambda: meeting.done or self._failure)
                finally:
                    del self._blocked[rank]
        self.test(meeting)

    def part(self, rank: int, outcome: str, patience_s: float | None) -> list[str] | None:
        """See :meth:`ddtrain.comm.protocol.Communicator.part`."""
        with self._changed:
            self._parted[rank] = outcome
            if patience_s is None:
                self._look_for_stall()
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._all_parted() or self._hopeless(patience_s), patience_s)
            return [self._parted[r] for r in range(self.size)] if self._all_parted() else None

    def fail(self, rank: int, error: BaseException) -> None:
        """Wake everybody: from now on every call raises PeerError, naming this rank's error."""
        reason = f"rank {rank} failed with {type(error).__name__}: {error}"
        with self._changed:
            self._failure = self._failure or (lambda: PeerError(reason))
            self._changed.notify_all()

    def _raise_failure(self) -> None:
        if self._failure:
            raise self._failure()

    def _all_parted(self) -> bool:
        return len(self._parted) == self.size

    def _hopeless(self, patience_s: float | None) -> bool:
        """Is it in vain to wait for the others to part? After a failure they are on their way, soon to be here."""
        return patience_s is None if self._failure else self._nobody_comes()

    def _nobody_comes(self) -> bool:
        """Is every rank that has not parted blocked for good? Meetings are ended by ranks that run: there is none."""
        living = [rank for rank in range(self.size) if rank not in self._parted]
        return bool(living) and all(rank in self._blocked and not self._blocked[rank][0].done for rank in living)

    def _look_for_stall(self) -> None:
        if self._failure or not self._nobody_comes():
            return
        self._changed.notify_all()
        if not all(outcome.startswith(FINISHED) for outcome in self._parted.values()):
            return  # a rank has failed and is about to say so; that is the error to read
        lines = [f"rank {rank}: {self._whereabouts(rank)}" for rank in range(self.size)]
        graph = "every rank waits for another, so none can go on\n    " + "\n    ".join(lines)
        self._failure = lambda: StallError(graph, remedy=_SAME_ORDER)

    def _whereabouts(self, rank: int) -> str:
        if rank not in self._blocked:
            return "finished"
        meeting, thread = self._blocked[rank]
        channel = "world" + "".join(f".{k}" for k in meeting.channel)
        missing = [r for r in range(self.size) if r not in meeting.calls]
        call = f"{meeting.calls[rank]}, number {meeting.sequence} on {channel}"
        return f"{call}, at {line_of(thread)}, waits for {ranks(missing)}"


FINISHED = "returned"  # begins the outcome of a rank that returned from main
_SAME_ORDER = "Do all ranks call the same collectives, in the same order, with the same dtype and count?"
