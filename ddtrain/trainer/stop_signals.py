"""Requests to stop: signals to any rank, or a file named STOP in the run's directory.

A request is a vote. It travels in the totals of the next step, so that all ranks stop after the same step.

Note [Blocked main thread]
Python runs a signal's handler between two instructions of the main thread, so not while that thread waits in MPI for a
rank that never comes, or computes for minutes in a library. So Python's C code also writes each signal to a pipe at
once, and a thread reads it. The thread acts only if the main thread does not within a second or two, and only where
nothing is lost: on a first request before the ranks are connected, and on a second request.

Note [Children]
A process that a rank forks (a worker that reads data) would inherit the handlers, and treat a signal that should end it
as a request to stop after the step. So a child gets the former handlers back. Until then signals are blocked, because
Python forgets those that arrive between the fork and its own first instruction.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from types import FrameType
from typing import Any

from ddtrain.comm.launch.failure import INTERRUPTED
from ddtrain.comm.startup import startup_watch
from ddtrain.errors import StoppedError
from ddtrain.standard_output import say

SIGNALS = (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT)
# One Ctrl-C reaches a rank twice, from the terminal and from mpirun: what follows this soon is the same request.
SAME_REQUEST_S = 0.5
_BLOCKED_S = 1.5  # if no handler has run for this long, the main thread is taken to be blocked in a call

_first: float | None = None  # time of this process's first request; signals go to the process, not to a rank
_heard = 0.0  # time when the handler last ran
_together = False  # True once the ranks are connected: from then on, requests are votes
_before: dict[int, Any] = {}  # the handlers of the signals before this module replaced them
_wakeup = -1  # write end of the pipe into which Python writes the numbers of arriving signals
_OVER = b"\0"  # written to that pipe to end its reader: no signal has the number 0


def stop_requested() -> bool:
    """Whether this process was asked to stop."""
    return _first is not None


def ranks_connected() -> StoppedError | None:
    """Say that the ranks are connected: from now on requests are votes. Returns an earlier request as an error."""
    global _together
    _together = True
    return StoppedError("stopped on request before training began") if stop_requested() else None


def exit_before_listening() -> None:
    """Until :func:`listening`, SIGUSR1 ends this process as a request does, with exit code 75.

    Launchers pass SIGUSR1 on to all ranks as a request to stop; by default it ends a process, as if it had crashed.
    """
    if _in_main_thread() and signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL:
        _handle(signal.SIGUSR1, _leave)


@contextmanager
def listening(at_once: Callable[[BaseException], None] = lambda error: None) -> Iterator[None]:
    """Take SIGUSR1, SIGTERM and SIGINT as requests to stop: the first is polite, a second one stops at once.

    Enter it in the main thread, around the ranks; in any other thread it does nothing, because Python handles signals
    in the main thread alone. A signal that is ignored, as under ``nohup`` or in the background, stays ignored.

    Parameters
    ----------
    at_once : called on a second request that the main thread does not handle, before the process is ended (Note
        [Blocked main thread])

    Raises
    ------
    KeyboardInterrupt : from wherever the main thread is, at the second request.

    >>> with listening():
    ...     signal.raise_signal(signal.SIGUSR1)
    ...     stop_requested()
    True
    >>> stop_requested()
    False
    """
    global _first, _together
    if not _in_main_thread():
        yield
        return
    _first, _together = None, False
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        if handler not in (signal.SIG_IGN, None):  # None: the handler was not installed from Python
            _handle(number, _on_signal)
    try:
        with _attended(at_once):
            yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is _on_signal:
                signal.signal(number, handler)
        _first = None


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _handle(number: int, handler: Callable[[int, FrameType | None], None]) -> None:
    before = signal.signal(number, handler)
    _before.setdefault(number, before)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(StoppedError.exit_code)


def _on_signal(number: int, frame: FrameType | None) -> None:
    global _first, _heard
    _heard = now = monotonic()
    if _first is None:
        _first = now
    elif now - _first > SAME_REQUEST_S:
        raise KeyboardInterrupt(f"second {signal.Signals(number).name}")


@contextmanager
def _attended(at_once: Callable[[BaseException], None]) -> Iterator[None]:
    """While inside, a thread acts on requests that the main thread cannot handle (Note [Blocked main thread])."""
    global _wakeup
    reading, _wakeup = os.pipe()
    os.set_blocking(_wakeup, False)
    before = signal.set_wakeup_fd(_wakeup, warn_on_full_buffer=False)
    thread = threading.Thread(target=_attend, args=(reading, at_once), name="requests", daemon=True)
    thread.start()
    try:
        yield
    finally:
        if _wakeup >= 0:
            signal.set_wakeup_fd(before)
            os.write(_wakeup, _OVER)
            thread.join()
            os.close(_wakeup)
            _wakeup = -1


def _attend(reading: int, at_once: Callable[[BaseException], None]) -> None:
    first = None
    with open(reading, "rb", buffering=0) as arrivals:
        while (number := arrivals.read(1)) != _OVER:
            now = monotonic()
            if number[0] not in SIGNALS or signal.getsignal(number[0]) is not _on_signal:
                continue
            first = now if first is None else first
            again, name = now - first > SAME_REQUEST_S, signal.Signals(number[0]).name
            if _together and again and _unheard(now):
                say("ddtrain: interrupted\n", sys.stderr)
                at_once(KeyboardInterrupt(f"second {name}"))
                startup_watch.abort_job(INTERRUPTED)
            if not _together and _unheard(now) and not _together:
                say(f"ddtrain: error: stopped on request ({name}) while ranks were missing\n", sys.stderr)
                startup_watch.abort_job(StoppedError.exit_code)


def _unheard(arrived: float) -> bool:
    """Whether the main thread's handler has not run around the arrival of a signal, nor for a while after it."""
    while _heard < arrived - SAME_REQUEST_S and monotonic() < arrived + _BLOCKED_S:
        sleep(0.01)
    return _heard < arrived - SAME_REQUEST_S


def _before_fork() -> None:
    _forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def _after_fork() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _forking.mask)


def _in_child() -> None:
    """Restore the former handlers in a forked process (Note [Children])."""
    global _first, _wakeup
    if _wakeup >= 0:
        signal.set_wakeup_fd(-1)
        _wakeup = -1
    for number, handler in _before.items():
        if signal.getsignal(number) in (_on_signal, _leave):
            signal.signal(number, handler)
    _first = None
    _after_fork()


_forking = threading.local()  # the signal mask of a thread that forks
os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_child)


class StopFile:
    """A file whose appearance asks the run to stop: ``touch RUN/STOP``.

    Parameters
    ----------
    run_dir : where to look
    every_s : shortest time between two checks, because each may be a round trip to a network file system
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
        return self._removed()

    def remove_former(self) -> list[str]:
        """Remove a file from before this run; returns a line about it, if there was one."""
        return [f"{self.path} was there before the run began, and is removed"] if self._removed() else []

    def _removed(self) -> bool:
        try:
            self.path.unlink()
        except OSError:  # the file is not there, or cannot be removed, which must not stop every later run
            return False
        return True
