"""Which ranks of this machine are still alive, before MPI has started and could say so.

Note [Start]
A rank that ends before it starts MPI (a package or a file is missing there, or it is killed) leaves the others in
``MPI_Init`` forever: MPICH's launcher takes it for a program without MPI. So a waiting rank looks at the processes
that the launcher started here. On Linux they can be read: each has its rank in its environment, and they descend from
one process that has none, the launcher's agent. Where that does not hold (another system, a launcher that does not
say how many it started here, a container for each rank), nothing is concluded.
"""

from __future__ import annotations

import os
import platform
import stat
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ddtrain.comm.differing_ranks import in_words
from ddtrain.comm.startup.end_process import end_process
from ddtrain.comm.startup.environment import VARIABLES, Launcher
from ddtrain.errors import EXCEPTION
from ddtrain.standard_output import say, wait_until_read

_CHECK_INTERVAL_S = 0.5
_CHECKS = 4  # so many checks in a row must miss a rank before it counts as gone
_SPEAK_S = 2.0  # how long the lowest rank has to say why the job ends
_ABORT_S = 1.0  # how long the launcher has to end this process
_LAUNCHER_INTERVAL_S = 1.0
_PROC = Path("/proc")


def live_ranks(facts: Launcher) -> frozenset[int]:
    """The ranks of this machine that have a process, including this one; empty if that cannot be found out."""
    name = {size: rank for size, rank, _ in VARIABLES}.get(facts.variable, "")
    try:
        agent = _parent(os.getpid())
        while _rank_of(agent, name) is not None:  # skip a script or program between the launcher and this process
            agent = _parent(agent)
        if agent <= 1:
            return frozenset()
        return frozenset(rank for pid, rank in _processes(name) if _descends(pid, agent))
    except (OSError, ValueError):
        return frozenset()


def exit_with_launcher(facts: Launcher) -> None:
    """From now on, end this process when its launcher is gone, because a killed launcher leaves its ranks behind.

    The ranks would wait for each other, or for MPI to start, forever, and keep a core busy.
    """
    if facts.size > 1:
        threading.Thread(target=_watch_launcher, args=(os.getppid(),), name="launcher", daemon=True).start()


@contextmanager
def watched_startup(facts: Launcher) -> Iterator[None]:
    """While inside, if ranks of this machine are gone, all others end; the lowest one says why (Note [Start])."""
    over = threading.Event()
    if facts.local_size > 1:
        threading.Thread(target=_watch_startup, args=(facts, over), name="start", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def abort_job(code: int) -> None:
    """End this process and, through the launcher, all others, where MPI has not started or does not answer.

    MPICH's launcher adds up the bits of the codes of processes that just end (1 | 70 is 71, a stall), so it is told
    which code counts, in the words of its own protocol, PMI.
    """
    number = os.environ.get("PMI_FD", "")
    if number.isdecimal() and _is_socket(int(number)):
        wait_until_read()
        os.write(int(number), f"cmd=abort exitcode={code}\n".encode())
        time.sleep(_ABORT_S)
    end_process(code)


def _watch_startup(facts: Launcher, over: threading.Event) -> None:
    looks, before = 0, frozenset[int]()
    while not over.wait(_CHECK_INTERVAL_S):
        there = live_ranks(facts)
        looks = looks + 1 if there == before else 1
        before = there
        if 0 < len(there) < facts.local_size and looks >= _CHECKS and not over.is_set():
            if facts.rank == min(there):
                say(f"ddtrain: error: {_missing(facts, there)}\n", sys.stderr)
            else:
                time.sleep(_SPEAK_S)
            abort_job(EXCEPTION)


def _watch_launcher(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LAUNCHER_INTERVAL_S)
    say("ddtrain: error: what started this rank has ended, and so does it\n", sys.stderr)
    end_process(EXCEPTION)


def _missing(facts: Launcher, there: frozenset[int]) -> str:
    if facts.local_size == facts.size:
        who = in_words([rank for rank in range(facts.size) if rank not in there])
    else:
        who = f"{facts.local_size - len(there)} of the {facts.local_size} ranks of {platform.node()}"
    return f"{who} ended before MPI had started: What was printed last there says why."


def _processes(name: str) -> Iterator[tuple[int, int]]:
    """(process, rank) for every readable process that was started as a rank or by a rank."""
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            rank = _rank_of(int(entry.name), name)
            if rank is not None:
                yield int(entry.name), rank


def _rank_of(pid: int, name: str) -> int | None:
    """The rank in a process's environment; None if it has none, has ended, or belongs to another user."""
    try:
        entries = (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return None
    prefix = f"{name}=".encode()
    return next((int(entry[len(prefix) :]) for entry in entries if entry.startswith(prefix)), None)


def _descends(pid: int, ancestor: int) -> bool:
    while pid > 1 and pid != ancestor:
        pid = _parent(pid)
    return pid == ancestor


def _parent(pid: int) -> int:
    try:
        status = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except FileNotFoundError:  # the process ended a moment ago
        return 0
    return int(status.rpartition(")")[2].split()[1])  # the name in parentheses may itself hold spaces and parentheses


def _is_socket(number: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except OSError:
        return False
