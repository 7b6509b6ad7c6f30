"""Ranks of one machine that share memory through MPI's shared windows, and wait for each other by counters.

Note [Counters]
What a rank has written is announced by a counter that only it writes, in shared memory, on a cache line of its own:
eight bytes, stored at once. ``Win.Sync`` is the memory barrier on both sides: before a counter rises, so that what it
announces is there first, and after it was seen, so that nothing older is read. A rank that waits first spins for a
moment, yielding its core each time: even with more ranks than cores, that is the fastest way to hand a core over. Then
it sets a flag that it sleeps, and sleeps until the counter changes (Note [Futex]). A rank that raises a counter looks
for such flags, after another barrier, and wakes the sleepers. MPI's own works are driven meanwhile, every millisecond
or so: another rank may need ours before it can get here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ddtrain.comm.backends.mpi.library import MPI
from ddtrain.comm.node import futex
from ddtrain.comm.protocol import COUNTERS, Array, Communicator

_LINE = 8  # eight-byte words in a cache line
_ASLEEP = COUNTERS * _LINE  # index of the word in which a rank says that it sleeps
_SPIN_S = 1e-3  # how long a rank spins before it sleeps
_SLEEP_S = 1e-3  # longest single sleep
_PAGE = 4096  # bytes: every rank's part begins on a page of its own
_SHARED_MEMORY = Path("/dev/shm")  # where MPI libraries on Linux keep windows
_SPARE_BYTES = 16 << 20  # space to leave free there for MPI's own use


def obstacle(local: MPI.Intracomm, bytes_per_rank: int, bytes_per_node: int = 0) -> str:
    """The reason why these ranks cannot share that much memory; empty if nothing is known to prevent it.

    MPI does not refuse a window larger than the file system that holds it: the first access beyond the end kills the
    process with SIGBUS.
    """
    if local.size == 1 or not _SHARED_MEMORY.is_dir():
        return ""
    facts = os.statvfs(_SHARED_MEMORY)
    free = facts.f_bavail * facts.f_frsize
    wanted = local.size * bytes_per_rank + bytes_per_node + _SPARE_BYTES
    if wanted > free:
        return f"{_SHARED_MEMORY} has {free >> 20} MiB free, and {local.size} ranks need {wanted >> 20} MiB there"
    return ""


class MpiNode:
    """The ranks of one machine. Its methods: see :class:`~ddtrain.comm.protocol.Node`.

    Parameters
    ----------
    local : communicator of the ranks of this node; owned by this object
    index, sizes, column : see the protocol
    drive : drives MPI's works while waiting
    """

    spec, why_not_shared = "shared windows", ""

    def __init__(
        self,
        local: MPI.Intracomm,
        index: int,
        sizes: tuple[int, ...],
        column: Communicator | None,
        drive: Callable[[], None],
    ) -> None:
        self._local, self._drive = local, drive
        self.rank, self.size, self.index, self.sizes, self.column = local.rank, local.size, index, sizes, column
        self.waited_s = 0.0
        self._windows: list[MPI.Win] = []
        words = self.alloc(_ASLEEP + _LINE, np.int64)
        self._fence = self._windows[0].Sync
        self._addresses = [part.ctypes.data for part in words]
        # reading a memoryview's element takes a third of the time of a NumPy array's
        self._counters = [memoryview(part.data) for part in words]
        self._mine = self._counters[self.rank]
        self._others = [view for r, view in enumerate(self._counters) if r != self.rank]

    def alloc(self, count: int, dtype: DTypeLike) -> list[Array]:
        nbytes = count * np.dtype(dtype).itemsize
        window = MPI.Win.Allocate_shared(-(-nbytes // _PAGE) * _PAGE, 1, comm=self._local)
        window.Lock_all()
        self._windows.append(window)
        counts = self._local.allgather(count)
        parts: list[Array] = []
        for r, n in enumerate(counts):
            memory: Any = window.Shared_query(r)[0]
            parts.append(np.ndarray(n, dtype, buffer=memory) if n else np.empty(0, dtype))
        parts[self.rank][...] = 0
        window.Sync()
        self._local.Barrier()
        window.Sync()
        return parts

    def post(self, counter: int, value: int) -> None:
        at = counter * _LINE
        self._fence()
        self._mine[at] = value
        self._fence()
        for view in self._others:
            if view[_ASLEEP]:
                futex.wake(self._addresses[self.rank] + 8 * at)
                break

    def reached(self, counter: int, value: int) -> bool:
        at = counter * _LINE
        for view in self._others:
            if view[at] < value:
                return False
        self._fence()
        return True

    def wait(self, counter: int, value: int, rank: int | None = None) -> None:
        at = counter * _LINE
        awaited = range(self.size) if rank is None else (rank,)
        if not all(self._counters[r][at] >= value for r in awaited):
            self._wait(at, value, awaited)
        self._fence()

    def _wait(self, at: int, value: int, awaited: Sequence[int]) -> None:
        began = time.perf_counter()
        for r in awaited:
            while (seen := self._counters[r][at]) < value:
                self._drive()
                waited_s = time.perf_counter() - began
                if waited_s < _SPIN_S:
                    os.sched_yield()
                elif futex.AVAILABLE:
                    self._sleep(r, at, seen)
                else:
                    time.sleep(min(0.05 * waited_s, _SLEEP_S))
        self.waited_s += time.perf_counter() - began

    def _sleep(self, rank: int, at: int, seen: int) -> None:
        """Sleep until a rank's counter differs from the value seen, or for a short time."""
        self._mine[_ASLEEP] = 1
        self._fence()
        futex.sleep(self._addresses[rank] + 8 * at, seen, _SLEEP_S)
        self._mine[_ASLEEP] = 0

    def close(self) -> None:
        """Release everything: no array of :meth:`alloc` may be used from here on."""
        for window in self._windows:
            window.Unlock_all()
            window.Free()
        self._windows.clear()
        if self._local != MPI.COMM_NULL:
            self._local.Free()
        if self.column is not None:
            self.column.close()
