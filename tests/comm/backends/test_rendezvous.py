"""Where ranks that are threads meet: who disagrees, and who can never go on, is known without a time-out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ddtrain.comm import Communicator, run_ranks
from ddtrain.comm.backends.rendezvous import Call, Rendezvous
from ddtrain.comm.protocol import PeerError
from ddtrain.errors import ReplicaError, StallError
from worlds import World

HERE = Path(__file__).name


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


def call(name: str = "allreduce", count: int = 2, done: list[int] | None = None) -> Call:
    """One rank's side; ``done`` hears how many sides there were."""
    return Call(
        name, np.zeros(count), np.zeros(count), 0, lambda calls: (done if done is not None else []).append(len(calls))
    )


def test_the_last_rank_to_come_does_the_work_once() -> None:
    meeting, done = Rendezvous(3), list[int]()
    for rank in (2, 0):
        assert not meeting.test(meeting.post(rank, (), 1, call(done=done)))
    assert done == []
    assert meeting.test(meeting.post(1, (), 1, call(done=done)))
    assert done == [3]


def test_channels_and_numbers_tell_collectives_apart() -> None:
    meeting = Rendezvous(2)
    waiting = [meeting.post(0, channel, number, call()) for channel in ((), (1,)) for number in (1, 2)]
    meeting.post(1, (1,), 2, call())
    assert [meeting.test(one) for one in waiting] == [False, False, False, True]


def test_a_wait_for_what_is_over_returns_at_once_and_again() -> None:
    meeting = Rendezvous(1)
    collective = meeting.post(0, (), 1, call())
    meeting.wait(0, collective)
    meeting.wait(0, collective)


def test_a_disagreement_names_both_sides_to_whoever_asks() -> None:
    meeting = Rendezvous(2)
    first = meeting.post(0, (), 7, call(count=2))
    second = meeting.post(1, (), 7, call("barrier", count=0))
    for ask in (lambda: meeting.test(first), lambda: meeting.wait(1, second)):
        with pytest.raises(ReplicaError, match=r"collective 7 differs between ranks: rank 0 called allreduce\(2 x "):
            ask()


def test_after_a_failure_every_call_names_the_first_one() -> None:
    meeting = Rendezvous(2)
    waiting = meeting.post(0, (), 1, call())
    meeting.fail(1, ValueError("boom"))
    meeting.fail(0, ValueError("later"))
    for ask in (
        lambda: meeting.test(waiting),
        lambda: meeting.post(0, (), 2, call()),
        lambda: meeting.wait(0, waiting),
    ):
        with pytest.raises(PeerError, match="rank 1 failed with ValueError: boom"):
            ask()


def test_what_was_over_before_a_failure_stays_so() -> None:
    meeting = Rendezvous(1)
    collective = meeting.post(0, (), 1, call())
    meeting.fail(0, ValueError("boom"))
    assert meeting.test(collective)


def test_outcomes_are_exchanged_when_all_have_ended_and_not_before() -> None:
    meeting = Rendezvous(2)
    assert meeting.exchange_outcomes(0, "0", timeout_s=0.01) is None
    assert meeting.exchange_outcomes(1, "70 x", timeout_s=0.01) == ["0", "70 x"]
