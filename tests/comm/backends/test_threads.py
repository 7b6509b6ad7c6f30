"""Threads as ranks: one that fails wakes the others, and a world that cannot go on says who waits where."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

from ddtrain.comm import Communicator, PeerError, run_ranks
from worlds import World


def test_rank_0_runs_in_the_calling_thread() -> None:
    in_main = World("threads:3").run(lambda comm: threading.current_thread() is threading.main_thread())
    assert in_main == [True, False, False]


@pytest.mark.parametrize("culprit", [0, 1, 2])
@pytest.mark.parametrize("operation", ["barrier", "iallreduce"])
def test_a_failing_rank_wakes_the_others(culprit: int, operation: str) -> None:
    woken = []

    def body(comm: Communicator) -> None:
        if comm.rank == culprit:
            raise ValueError("boom")
        try:
            comm.barrier() if operation == "barrier" else comm.iallreduce(np.zeros(1)).wait()
        except PeerError as error:
            woken.append((comm.rank, str(error)))
            raise

    with pytest.raises(ValueError, match="boom"):
        World("threads:3").run(body)
    others = [rank for rank in range(3) if rank != culprit]
    assert sorted(woken) == [(rank, f"rank {culprit} failed with ValueError: boom") for rank in others]


def test_a_failing_rank_wakes_those_of_other_groups() -> None:
    woken = []

    def body(comm: Communicator) -> None:
        group = comm.split(min(comm.rank, 1)).split(0)
        if comm.rank == 0:
            raise ValueError("boom")
        if comm.rank == 1:
            comm.barrier()  # not in the group, where rank 2 waits for it
        with pytest.raises(PeerError):
            group.barrier()
        woken.append(comm.rank)

    with pytest.raises(ValueError, match="boom"):
        World("threads:3").run(body)
    assert woken == [2]


def test_a_rank_that_computes_hears_of_a_failure_at_its_next_collective() -> None:
    failed = threading.Event()

    def body(comm: Communicator) -> None:
        if comm.rank == 1:
            raise ValueError("boom")
        while not failed.is_set():  # computing: it neither blocks nor parts
            pass
        with pytest.raises(PeerError):
            comm.barrier()

    code = run_ranks("threads:2", body, lambda error, rank: failed.set())
    assert code == 70


def test_a_failure_is_reported_once_with_its_rank(capsys: pytest.CaptureFixture[str]) -> None:
    told = []

    def main(comm: Communicator) -> None:
        if comm.rank == 2:
            raise ValueError("boom")
        comm.barrier()

    assert run_ranks("threads:4", main, lambda error, rank: told.append((str(error), rank))) == 70
    assert told == [("boom", 2)]
    printed = capsys.readouterr().err
    assert printed.count("ValueError: boom") == 1
    assert all(line.startswith("[rank 2] ") for line in printed.splitlines())


def test_waited_s_counts_blocked_time_alone() -> None:
    """Rank 0 waits for rank 1, which waits for nobody: its call is the last."""
    ready = threading.Event()

    def body(comm: Communicator) -> float:
        if comm.rank == 1:
            assert ready.wait(30)
            threading.Event().wait(0.2)
        else:
            ready.set()
        comm.barrier()
        return comm.waited_s

    blocked, last = World("threads:2").run(body)
    assert blocked > last


def test_many_small_sums_under_a_hostile_scheduler() -> None:
    """Switching threads every few instructions neither loses nor mixes a meeting."""

    def body(comm: Communicator) -> None:
        other = comm.duplicate()
        for k in range(150):
            a, b = np.array([comm.rank + k]), np.array([1.0])
            work = comm.iallreduce(a)
            other.allreduce(b)
            work.wait()
            assert (a[0], b[0]) == (6 + 4 * k, 4.0)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        World("threads:4").run(body)
    finally:
        sys.setswitchinterval(interval)
