"""The debug backend names the ranks that differ, what they called and where, on every rank."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ddtrain.comm import Communicator, make, run_ranks
from ddtrain.errors import ReplicaError
from worlds import World

Mistake = Callable[[Communicator], None]


def another_name(comm: Communicator) -> None:
    comm.barrier() if comm.rank == 1 else comm.allreduce(np.zeros(3))


def another_dtype_of_the_same_size(comm: Communicator) -> None:
    comm.allreduce(np.zeros(3, np.int32 if comm.rank == 1 else np.float32))


def another_count(comm: Communicator) -> None:
    comm.iallreduce(np.zeros(4 if comm.rank == 1 else 3)).wait()


def another_root(comm: Communicator) -> None:
    comm.broadcast(np.zeros(3), int(comm.rank == 1))


def swapped_buckets(comm: Communicator) -> None:
    for count in (8, 9) if comm.rank == 1 else (9, 8):
        comm.allreduce(np.zeros(count))


def a_step_left_out(comm: Communicator) -> None:
    comm.barrier()
    if comm.rank != 1:
        comm.allreduce(np.zeros(3))
    comm.broadcast(np.zeros(3))


def a_call_left_out_before_one_on_another_communicator(comm: Communicator) -> None:
    inner, buckets = comm.duplicate(), comm.duplicate()
    if comm.rank != 1:
        inner.allreduce(np.zeros(1))
    buckets.allreduce(np.zeros(3))


def a_call_left_out_before_a_wait(comm: Communicator) -> None:
    inner, work = comm.duplicate(), comm.iallreduce(np.zeros(3))
    if comm.rank == 1:
        inner.duplicate()
    else:
        work.wait()
        inner.barrier()


MISTAKES = [another_name, another_dtype_of_the_same_size, another_count, another_root, swapped_buckets]
MISTAKES += [a_step_left_out, a_call_left_out_before_one_on_another_communicator, a_call_left_out_before_a_wait]
mistake = pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)


def check(comm: Communicator, mistake: Mistake) -> None:
    with pytest.raises(ReplicaError) as info:
        mistake(comm)
    text = info.value.message
    others = {3: "ranks 0 and 2", 4: "ranks 0, 2 and 3"}[comm.size]
    assert text.startswith(f"rank 1 calls another collective than {others}\n")
    usual, odd = text.splitlines()[1:]
    assert usual.strip().startswith(f"{others}: number ")
    assert odd.strip().startswith("rank 1: number ")
    assert text.count(Path(__file__).name) == 2


@mistake
def test_threads(mistake: Mistake) -> None:
    assert run_ranks("debug:threads:3", lambda comm: check(comm, mistake)) == 0


@mistake
@pytest.mark.mpi(min_size=3)
def test_mpi(comm: Communicator, mistake: Mistake) -> None:
    check(make("debug:mpi")[0], mistake)


def begins_in_another_order(comm: Communicator) -> None:
    """As hooks do, whose second stages begin when their first have arrived."""
    comms = [comm.duplicate(), comm.duplicate()]
    bufs = [np.ones(3), np.ones(5)]
    order = (1, 0) if comm.rank == 1 else (0, 1)
    works = {which: comms[which].iallreduce(bufs[which]) for which in order}
    for which in order:
        works[which].wait()
        assert works[which].test()
    assert [set(buf) for buf in bufs] == [{comm.size}] * 2


def test_what_only_begins_may_do_so_in_any_order(world: World) -> None:
    assert run_ranks(f"debug:{world.spec}", begins_in_another_order) == 0


@pytest.mark.mpi(min_size=3)
def test_what_only_begins_may_do_so_in_any_order_under_mpi(comm: Communicator) -> None:
    begins_in_another_order(make("debug:mpi")[0])


def test_a_rank_that_has_returned_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_ranks("debug:threads:3", lambda comm: None if comm.rank == 1 else comm.barrier()) == 72
    said = capsys.readouterr().err
    assert "rank 1 calls another collective than ranks 0 and 2" in said
    assert "rank 1: has returned\n" in said


def test_the_run_ends_with_72_and_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_ranks("debug:threads:3", another_count) == 72
    assert capsys.readouterr().err.count("rank 1 calls another collective") == 1


def test_duplicates_are_checked_too() -> None:
    def main(comm: Communicator) -> None:
        check(comm.duplicate(), another_count)

    assert run_ranks("debug:threads:3", main) == 0
