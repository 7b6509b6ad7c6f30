"""Several ranks on several machines, all threads of this process: ``nodes:0011`` has ranks 0 and 1 on one, 2 and 3 on
another, ``nodes:0101`` every other rank elsewhere.

Real processes show this only where an MPI library pretends to be on two machines. Here any number and any order of
machines is had for nothing, and one rank may be slow: ``nodes:0011-2`` has rank 2 pause wherever it has just been
waited for, or is about to be. Whoever then goes on without waiting reads what is not there yet, or overwrites what is
still being read, on every run and not on one in a thousand.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ddtrain.comm import Communicator, backend_spec
from ddtrain.comm.backends.rendezvous import Rendezvous
from ddtrain.comm.backends.threads import ThreadCommunicator
from ddtrain.comm.protocol import COUNTERS, Array

PAUSE_S = 2e-3  # some times what a step of the tests' models takes
_HANG_S = 20.0


class Machines(Rendezvous):
    """A world of threads that knows which of its ranks share memory."""

    def __init__(self, of_rank: str, slow: int | None) -> None:
        super().__init__(len(of_rank))
        self.slow = slow
        names = sorted(set(of_rank), key=of_rank.index)
        self.members = [[rank for rank, name in enumerate(of_rank) if name == wanted] for wanted in names]
        self.changed = threading.Condition()
        self.failed = False
        self._made: dict[Any, Any] = {}

    def shared(self, key: Any, make: Callable[[], Any]) -> Any:
        """What several ranks have in common, made by the first that comes for it."""
        with self.changed:
            if key not in self._made:
                self._made[key] = make()
            return self._made[key]

    def fail(self, rank: int, error: BaseException) -> None:
        super().fail(rank, error)
        with self.changed:
            self.failed = True
            for thing in self._made.values():
                if isinstance(thing, Rendezvous):
                    thing.fail(rank, error)
            self.changed.notify_all()

    def until(self, reached: Callable[[], bool]) -> None:
        """Return when a rank has made it so; with ``changed`` held."""
        if not self.changed.wait_for(lambda: reached() or self.failed, _HANG_S):
            raise TimeoutError("a rank of this node waits for another that does not come")
        if not reached():
            self._raise_failure()


class Rank(ThreadCommunicator):
    """A rank of such a world."""

    def __init__(self, machines: Machines, rank: int) -> None:
        super().__init__(machines, rank, ())
        self.asked: list[tuple[int, int]] = []  # bytes that were asked for, each and once
        self.nodes: list[ThreadNode] = []

    def split_nodes(self, bytes_per_rank: int = 0, bytes_per_node: int = 0) -> Any:
        self.asked.append((bytes_per_rank, bytes_per_node))
        if bytes_per_rank < 0:
            return super().split_nodes()
        self.nodes.append(ThreadNode(self.rendezvous, self.rank, len(self.nodes)))  # type: ignore[arg-type]
        return self.nodes[-1]


class ThreadNode:
    """The ranks of one machine. Its methods: see :class:`~ddtrain.comm.protocol.Node`."""

    spec, why_not_shared, waited_s = "threads that share memory", "", 0.0

    def __init__(self, machines: Machines, rank: int, number: int) -> None:
        self._machines, self._is_slow = machines, machines.slow == rank
        self.index = next(k for k, members in enumerate(machines.members) if rank in members)
        members = machines.members[self.index]
        self.rank, self.size = members.index(rank), len(members)
        self.sizes = tuple(map(len, machines.members))
        self._key = number, self.index
        self._counters = machines.shared(self._key, lambda: np.zeros((self.size, COUNTERS), int))
        self.allocated: list[Array] = []
        self.column: Any = None
        if self.rank < min(self.sizes):
            rendezvous = machines.shared(("column", number, self.rank), lambda: Rendezvous(len(self.sizes)))
            self.column = ThreadCommunicator(rendezvous, self.index, ())

    def alloc(self, count: int, dtype: Any) -> list[Array]:
        self._pause()
        parts = self._machines.shared((*self._key, len(self.allocated)), dict)
        self.allocated.append(np.zeros(count, dtype))
        with self._machines.changed:
            parts[self.rank] = self.allocated[-1]
            self._machines.changed.notify_all()
            self._machines.until(lambda: len(parts) == self.size)
        return [parts[rank] for rank in range(self.size)]

    def post(self, counter: int, value: int) -> None:
        self._pause()
        with self._machines.changed:
            assert value >= self._counters[self.rank, counter], "counters only rise"
            self._counters[self.rank, counter] = value
            self._machines.changed.notify_all()
        self._pause()  # what it does next, too, the others may not take for done

    def reached(self, counter: int, value: int) -> bool:
        return bool((self._counters[:, counter] >= value).all())

    def wait(self, counter: int, value: int, rank: int | None = None) -> None:
        awaited = self._counters[:, counter] if rank is None else self._counters[rank : rank + 1, counter]
        with self._machines.changed:
            self._machines.until(lambda: bool((awaited >= value).all()))
        self._pause()

    def close(self) -> None:
        if self.column is not None:
            self.column.close()

    def _pause(self) -> None:
        if self._is_slow:
            time.sleep(PAUSE_S)


def make_nodes(argument: str) -> Sequence[Communicator]:
    """The ranks of ``nodes:ARGUMENT``, see above."""
    of_rank, _, slow = argument.partition("-")
    machines = Machines(of_rank, int(slow) if slow else None)
    return [Rank(machines, rank) for rank in range(machines.size)]


backend_spec._MAKERS["nodes"] = make_nodes
