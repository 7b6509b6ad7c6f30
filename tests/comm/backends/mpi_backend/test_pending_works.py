"""Works go on by themselves where a thread looks after them, and by whoever calls where none does."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from ddtrain.comm.backends.mpi.pending_works import POLL_INTERVAL_S, PendingWorks
from helpers import launch

ENDS = str(Path(__file__).parents[2] / "launch" / "ends.py")
HANG_S = 30


class Steps:
    """A work that is over when it was asked ``left`` times."""

    def __init__(self, left: int) -> None:
        self.left, self.over = left, threading.Event()

    def advance(self) -> bool:
        self.left -= 1
        if self.left <= 0:
            self.over.set()
        return self.left <= 0


def test_without_a_thread_works_go_on_when_driven() -> None:
    pending, work = PendingWorks(lambda: None, threaded=False), Steps(2)
    pending.add(work)
    pending.drive()
    assert not work.over.is_set()
    for _ in range(3):
        pending.drive()
    assert work.left == 0, "asked no more when it is over"


def test_with_a_thread_works_go_on_by_themselves_again_and_again() -> None:
    pending = PendingWorks(lambda: None, threaded=True)
    for _ in range(20):
        works = [Steps(3), Steps(1)]
        for work in works:
            pending.add(work)
        for work in works:
            assert work.over.wait(HANG_S)


def test_the_thread_rests_without_works_and_while_its_owner_drives() -> None:
    polls: list[int] = []
    pending, endless = PendingWorks(lambda: polls.append(threading.get_ident()), threaded=True), Steps(1 << 60)
    pending.add(endless)
    with pending.driven_by_owner():
        with pending.lock:  # the thread may have begun a last look
            before = len(polls)
        time.sleep(20 * POLL_INTERVAL_S)
        assert len(polls) <= before + 1
    endless.left = 1
    assert endless.over.wait(HANG_S), "it has gone on"
    with pending.lock:
        before = len(polls)
    time.sleep(20 * POLL_INTERVAL_S)
    assert len(polls) <= before + 1


def test_a_work_that_begins_another_loses_none() -> None:
    """As a signal handler may, in the midst of a look at all works."""
    pending, late = PendingWorks(lambda: None, threaded=False), Steps(1)

    class Beginning:
        def advance(self) -> bool:
            pending.add(late)
            return True

    pending.add(Beginning())
    pending.drive()
    pending.drive()
    assert late.over.is_set()


@pytest.mark.parametrize("ranks", [2, 3])
def test_a_rank_that_computes_holds_up_nobody_on_another_node(ranks: int, tmp_path: Path) -> None:
    """MPICH takes one machine for two nodes, so there is a thread: rank 0 asks for nothing, and all others get on."""
    environ = {"MPIR_CVAR_NUM_CLIQUES": "2", "EVERYBODY_ELSE": str(tmp_path / "here")}
    done = launch(ranks, "one_never_asks", "mpi", cwd=tmp_path, program=ENDS, **environ)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("ranks", [2, 3])
def test_mpi_ends_while_a_work_is_left(ranks: int, tmp_path: Path) -> None:
    """MPICH takes one machine for two nodes, so a thread asks MPI: it stops before MPI ends."""
    done = launch(ranks, "work_is_left", "mpi", cwd=tmp_path, program=ENDS, MPIR_CVAR_NUM_CLIQUES="2")
    assert (done.returncode, done.stderr) == (0, "")
