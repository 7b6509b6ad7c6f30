"""Requests to stop: signals to any rank, or a file named STOP in the run's directory.

A request is a vote. It rides in the totals of the next step, so that all ranks stop after the same step.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from types import FrameType

SIGNALS = (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT)
# One Ctrl-C reaches a rank twice, from the terminal and from mpirun: what follows this soon is the same request.
SAME_REQUEST_S = 0.5

_first: float | None = None  # when the first request of this process arrived; signals are the process's, not a rank's


def pending() -> bool:
    """Whether this process was asked to stop."""
    return _first is not None


@contextmanager
def listening() -> Iterator[None]:
    """Take SIGUSR1, SIGTERM and SIGINT as requests to stop: the first is polite, a second one stops at once.

    Enter it in the main thread, around the ranks; in any other thread it listens to nothing, as Python handles
    signals in the main thread alone.

    Raises
    ------
    KeyboardInterrupt : from wherever the main thread is, at the second request.

    >>> with listening():
    ...     signal.raise_signal(signal.SIGUSR1)
    ...     pending()
    True
    >>> pending()
    False
    """
    global _first
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _first = None
    before = {number: signal.signal(number, _on_signal) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _first = None


def _on_signal(number: int, frame: FrameType | None) -> None:
    global _first
    now = monotonic()
    if _first is None:
        _first = now
    elif now - _first > SAME_REQUEST_S:
        raise KeyboardInterrupt(f"second {signal.Signals(number).name}")


class StopFile:
    """A file whose appearance asks the run to stop: ``touch RUN/STOP``.

    Parameters
    ----------
    run_dir : where to look
    every_s : the least time between two looks; a look at a network file system is a round trip
    """

    def __init__(self, run_dir: Path | str, every_s: float = 0.5) -> None:
        self.path, self.every_s = Path(run_dir) / "STOP", every_s
        self._next = 0.0

    def seen(self) -> bool:
        """Whether the file is there; it is then removed, so that the resumed run does not stop again."""
        now = monotonic()
        if now < self._next:
            return False
        self._next = now + self.every_s
        try:
            self.path.unlink()
        except OSError:  # not there; or there and not removable, which is no reason to stop for ever
            return False
        return True
