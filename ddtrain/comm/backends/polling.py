"""Waiting for something that does not notify, and so must be polled.

Note [Waiting]
Every collective is begun without blocking and then awaited by testing, so that signal handlers run; inside a blocking
MPI call they would not. About 1 ms of testing and yielding is as fast as a blocking call. Then come sleeps of a
twentieth of the time waited so far, 5 ms at most: they leave the cores to ranks that have work and cost 5 % at most.
MPI moves a long message in pieces, one a test, so sleeps that grew faster (doubling from 0.1 ms) made 12 MB on three
ranks and two cores take 35 ms; these take 13, as a blocking call does.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

_SPIN_S = 1e-3
_SLEEP_FRACTION = 0.05
LONGEST_SLEEP_S = 5e-3
_OVERRUN_S = 1e-4  # a sleep may last this much longer than asked for on a busy machine


def wait_until_time(
    due: float,
    drive: Callable[[], None],
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> float:
    """Sleep until ``due`` on the clock, calling ``drive`` every millisecond or so; returns the seconds it took."""
    began = now = clock()
    while now < due:
        drive()
        sleep(min(max(due - now - _OVERRUN_S, 0.0), _SPIN_S))
        now = clock()
    return now - began


def wait_until(done: Callable[[], bool], drive: Callable[[], None], longest_s: float = LONGEST_SLEEP_S) -> float:
    """Call ``drive`` until ``done()`` is true, with growing pauses (Note [Waiting]); returns the seconds it took."""
    began = time.perf_counter()
    while not done():
        drive()
        waited_s = time.perf_counter() - began
        if waited_s < _SPIN_S:
            os.sched_yield()
        else:
            time.sleep(min(_SLEEP_FRACTION * waited_s, longest_s))
    return time.perf_counter() - began
