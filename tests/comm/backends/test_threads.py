"""Threads as ranks: one that fails wakes the others, and a world that cannot go on says who waits where."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ddtrain.comm import Communicator, PeerError, run_ranks
from ddtrain.errors import ReplicaError, StallError
from worlds import World

HERE = Path(__file__).name


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


def test_all_blocked_is_a_stall_that_names_every_rank() -> None:
    def body(comm: Communicator) -> None:
        other = comm.duplicate()
        if comm.rank == 0:
            comm.allreduce(np.zeros(5))
        elif comm.rank == 1:
            other.broadcast(np.zeros(7, np.float32), 2)
        else:
            comm.iallreduce(np.zeros(5)).wait()

    with pytest.raises((StallError, ReplicaError)) as info:
        World("threads:3").run(body)
    text = str(info.value)
    assert "rank 0: allreduce(5 x float64), number 1 on world, at" in text
    assert "rank 1: broadcast(7 x float32, root 2), number 1 on world.1, at" in text
    assert "rank 2: iallreduce(5 x float64), number 1 on world, at" in text
    assert text.count(HERE) == 3  # the callers' lines, not ours
    assert "waits for rank 1\n" in text
    assert "waits for ranks 0 and 2\n" in text
    assert isinstance(info.value, StallError)


def test_a_finished_rank_never_comes() -> None:
    with pytest.raises(StallError) as info:
        World("threads:3").run(lambda comm: comm.barrier() if comm.rank != 1 else None)
    assert "rank 1: finished" in str(info.value)
    assert "rank 0: barrier" in str(info.value)


def test_a_stall_is_printed_once_and_ends_with_71(capsys: pytest.CaptureFixture[str]) -> None:
    told = []
    assert run_ranks("threads:3", lambda comm: comm.barrier() if comm.rank else None, lambda *a: told.append(a)) == 71
    assert len(told) == 1
    printed = capsys.readouterr().err
    assert printed.count("every rank waits for another") == 1
    assert printed.startswith("[ranks 1 and 2] ddtrain: error: ")


def test_a_rank_in_a_debugger_is_no_stall() -> None:
    """Rank 1 holds still, blocked on something that is not a communicator, while all others wait for it."""
    at_breakpoint, user_continues = threading.Event(), threading.Event()

    def body(comm: Communicator) -> int:
        if comm.rank == 1:
            at_breakpoint.set()
            assert user_continues.wait(30)
        elif comm.rank == 0:
            at_breakpoint.wait(30)
            threading.Timer(0.3, user_continues.set).start()
        buf = np.array([comm.rank])
        comm.allreduce(buf)
        return int(buf[0])

    assert World("threads:3").run(body) == [3, 3, 3]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda comm: comm.allreduce(np.zeros(3 + comm.rank)), ["allreduce(3 x float64)", "allreduce(4 x float64)"]),
        (lambda comm: comm.allreduce(np.zeros(3, "fd"[comm.rank])), ["3 x float32", "3 x float64"]),
        (lambda comm: comm.broadcast(np.zeros(3), comm.rank), ["root 0", "root 1"]),
        (lambda comm: comm.iallreduce(np.zeros(3)) if comm.rank else comm.barrier(), ["barrier(", "iallreduce("]),
    ],
)
def test_a_disagreement_is_an_error_on_every_rank(
    call: Callable[[Communicator], None], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_ranks("threads:2", call) == 72
    printed = capsys.readouterr().err
    assert printed.count("ddtrain: error: collective 1 differs") == 1
    assert all(word in printed for word in words)


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
