"""Works under way, driven by every wait, by every ``progress``, and between hosts by a thread.

Note [Progress thread]
MPI goes on with a message only inside MPI calls. In a node's memory, a call between two pieces of computation is
enough. Between hosts a message leaves in pieces, as the socket has room, and nothing moves between two calls. So where
ranks share no memory, a thread looks after the works while their owner computes; a rank that waits looks as often
itself, and then the thread rests. NumPy releases the interpreter's lock in whatever takes long, so the thread is heard.

Measured by ``python -m ddtrain.bench overlap --link netns``, 12.6 MB over 1 Gbit/s beside 211 ms of computing: calls
between leaves, and waits that sleep ever longer, gave steps of 1.12 times computing, and 128 to 244 ms for
communicating alone, where the bytes take 101; the thread gives 1.01 to 1.08, and 106 ms. Looking for a straggler
takes 3 to 6 % of a core. Behind ``wire``, whose ranks share a machine, calls between leaves are enough.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

POLL_INTERVAL_S = 2e-4  # between polls of the thread; at 1 Gbit/s 25 KB pass meanwhile, which a socket's buffer holds


class PendingWork(Protocol):
    """A work that advances only when it is called."""

    def advance(self) -> bool:
        """Advance as far as possible without waiting; True when it is over."""
        ...


class PendingWorks:
    """The works under way of a communicator, its duplicates and the columns of its nodes.

    Parameters
    ----------
    poll : drives the MPI library's own works
    threaded : whether a thread does what :meth:`drive` does while there are works (Note [Progress thread])

    Attributes
    ----------
    lock : held while works are driven, so that owner and thread take turns; the owner holds it to test one of them
    """

    def __init__(self, poll: Callable[[], object], threaded: bool) -> None:
        # reentrant: a signal handler in the owner's thread may communicate while the lock is held
        self.lock = threading.RLock()
        self.threaded = threaded
        self._poll = poll
        self._works: list[PendingWork] = []
        self._wanted = threading.Event()
        self._stopped = False
        if threaded:
            threading.Thread(target=self._drive_in_background, name="progress", daemon=True).start()

    def add(self, work: PendingWork) -> None:
        """A work has begun."""
        with self.lock:
            self._works.append(work)
            self._wanted.set()

    def drive(self) -> None:
        """Let every work advance as far as it can."""
        with self.lock:
            self._poll()
            for work in tuple(self._works):
                if work.advance() and work in self._works:
                    self._works.remove(work)

    @contextmanager
    def driven_by_owner(self) -> Iterator[None]:
        """While inside, the owner drives the works and the thread sleeps."""
        self._wanted.clear()
        try:
            yield
        finally:
            with self.lock:
                if self._works:
                    self._wanted.set()

    def stop(self) -> None:
        """Stop the thread, so that the MPI library may be shut down."""
        with self.lock:
            self._stopped = True

    def _drive_in_background(self) -> None:
        while self._wanted.wait():
            with self.lock:
                if self._stopped:
                    return
                self.drive()
                if not self._works:
                    self._wanted.clear()
            time.sleep(POLL_INTERVAL_S)
