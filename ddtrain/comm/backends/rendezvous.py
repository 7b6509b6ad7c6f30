"""Where ranks that are threads meet: each posts its call, and the last to arrive does the work for all.

A *call* is one rank's side of a collective. A *pending collective* gathers all ranks' calls with the same channel and
sequence number. The rendezvous knows which ranks are blocked, so it knows without any time-out when none can go on: a
rank that computes, or sits in a debugger, is simply not blocked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ddtrain.comm.backends.caller_line import line_of
from ddtrain.comm.differing_ranks import in_words
from ddtrain.comm.protocol import RETURNED, Array, PeerError
from ddtrain.comm.reduction_tree import ReductionTree
from ddtrain.errors import DdtrainError, ReplicaError, StallError

# () for the first communicator, (k,) for its k-th duplicate, (k, j) for the j-th duplicate of that
Channel = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One rank's side of a collective; ranks must agree on ``signature``."""

    name: str
    send: Array
    out: Array
    root: int
    complete: Callable[[list[Call]], None]
    rows: Sequence[Array] = ()
    tree: ReductionTree | None = None

    @property
    def signature(self) -> tuple[str, str, int, int, ReductionTree | None]:
        """What must be the same on all ranks: name, dtype, count, root, and who holds which rows of a sum."""
        return self.name, str(self.send.dtype), self.send.size, self.root, self.tree

    def __str__(self) -> str:
        root = f", root {self.root}" if self.name == "broadcast" else ""
        return f"{self.name}({self.send.size} x {self.send.dtype}{root})"


@dataclass(eq=False, slots=True)
class PendingCollective:
    """The calls of one collective, and whether it is over."""

    channel: Channel
    sequence: int
    calls: dict[int, Call] = field(default_factory=dict)
    done: bool = False
    error: str = ""

    def run(self) -> None:
        """Do the collective, once all calls have arrived; if they disagree, every rank raises an error."""
        calls = [self.calls[rank] for rank in sorted(self.calls)]
        if len({call.signature for call in calls}) == 1:
            calls[0].complete(calls)
        else:
            sides = "; ".join(f"rank {rank} called {call}" for rank, call in enumerate(calls))
            self.error = f"collective {self.sequence} differs between ranks: {sides}"


class Rendezvous:
    """The state that the ranks of one world share, under one lock."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._changed = threading.Condition()
        self._open: dict[tuple[Channel, int], PendingCollective] = {}
        # rank -> (the collective it waits in, id of its thread)
        self._blocked: dict[int, tuple[PendingCollective, int]] = {}
        self._outcomes: dict[int, str] = {}  # rank -> how it ended
        self._groups: dict[tuple[Channel, int, int], Rendezvous] = {}  # parts of this world, each a world of its own
        self._failure: Callable[[], DdtrainError] | None = None  # makes the error that every rank raises from now on

    def post(self, rank: int, channel: Channel, sequence: int, call: Call) -> PendingCollective:
        """Add a call to its collective; the rank whose call is last does the work, outside the lock."""
        with self._changed:
            self._raise_failure()
            collective = self._open.setdefault((channel, sequence), PendingCollective(channel, sequence))
            collective.calls[rank] = call
            if len(collective.calls) < self.size:
                return collective
            del self._open[channel, sequence]
        collective.run()
        with self._changed:
            collective.done = True
            self._changed.notify_all()
        return collective

    def test(self, collective: PendingCollective) -> bool:
        """Is the collective over?"""
        if not collective.done:
            self._raise_failure()
        elif collective.error:
            raise ReplicaError(collective.error, remedy=_SAME_ORDER)
        return collective.done

    def wait(self, rank: int, collective: PendingCollective) -> None:
        """Return when the collective is over."""
        if not collective.done:
            with self._changed:
                self._blocked[rank] = collective, threading.get_ident()
                try:
                    self._check_for_stall()
                    self._changed.wait_for(lambda: collective.done or self._failure)
                finally:
                    del self._blocked[rank]
        self.test(collective)

    def exchange_outcomes(self, rank: int, outcome: str, timeout_s: float | None) -> list[str] | None:
        """See :meth:`ddtrain.comm.protocol.Communicator.exchange_outcomes`."""
        with self._changed:
            self._outcomes[rank] = outcome
            if timeout_s is None:
                self._check_for_stall()
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._all_ended() or self._no_more_will_end(timeout_s), timeout_s)
            return [self._outcomes[r] for r in range(self.size)] if self._all_ended() else None

    def group(self, name: tuple[Channel, int, int], size: int) -> Rendezvous:
        """The world of some of the ranks, of which all that ask for the same name get the same."""
        with self._changed:
            return self._groups.setdefault(name, Rendezvous(size))

    def fail(self, rank: int, error: BaseException) -> None:
        """Wake everybody: from now on every call raises PeerError, naming this rank's error, in groups too."""
        reason = f"rank {rank} failed with {type(error).__name__}: {error}"
        self._fail(lambda: PeerError(reason))

    def _fail(self, failure: Callable[[], DdtrainError]) -> None:
        with self._changed:
            self._failure = self._failure or failure
            self._changed.notify_all()
            groups = list(self._groups.values())
        for group in groups:
            group._fail(failure)

    def _raise_failure(self) -> None:
        if self._failure:
            raise self._failure()

    def _all_ended(self) -> bool:
        return len(self._outcomes) == self.size

    def _no_more_will_end(self, timeout_s: float | None) -> bool:
        """Whether no other rank can end any more. After a failure they soon do, and a caller with a time-out waits."""
        return timeout_s is None if self._failure else self._all_blocked()

    def _all_blocked(self) -> bool:
        """Whether all ranks that have not ended are blocked; then none can go on, as only a running rank helps."""
        running = [rank for rank in range(self.size) if rank not in self._outcomes]
        return bool(running) and all(rank in self._blocked and not self._blocked[rank][0].done for rank in running)

    def _check_for_stall(self) -> None:
        if self._failure or not self._all_blocked():
            return
        self._changed.notify_all()
        if not all(outcome.startswith(RETURNED) for outcome in self._outcomes.values()):
            return  # a rank has failed and will raise its own error, which is the one to read
        lines = [f"rank {rank}: {self._describe(rank)}" for rank in range(self.size)]
        graph = "every rank waits for another, so none can go on\n    " + "\n    ".join(lines)
        self._failure = lambda: StallError(graph, remedy=_SAME_ORDER)

    def _describe(self, rank: int) -> str:
        if rank not in self._blocked:
            return "finished"
        collective, thread = self._blocked[rank]
        channel = "world" + "".join(f".{k}" for k in collective.channel)
        missing = [r for r in range(self.size) if r not in collective.calls]
        call = f"{collective.calls[rank]}, number {collective.sequence} on {channel}"
        return f"{call}, at {line_of(thread)}, waits for {in_words(missing)}"


_SAME_ORDER = "Do all ranks call the same collectives, in the same order, with the same dtype and count?"
