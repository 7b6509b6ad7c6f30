"""The debug backend names the ranks that differ, what they called and where, on every rank."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ddtrain.comm import Communicator, make, run_ranks
from ddtrain.errors import ReplicaError

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


MISTAKES = [another_name, another_dtype_of_the_same_size, another_count, another_root, swapped_buckets, a_step_left_out]
mistake = pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)


def check(comm: Communicator, mistake: Mistake) -> None:
    with pytest.raises(ReplicaError) as info:
        mistake(comm)
    text = info.value.message
    assert text.startswith("rank 1 calls another collective than ranks 0 and 2")
    usual, odd = text.splitlines()[1:]
    assert usual.strip().startswith("ranks 0 and 2: number ")
    assert odd.strip().startswith("rank 1: number ")
    assert text.count(Path(__file__).name) == 2


@mistake
def test_threads(mistake: Mistake) -> None:
    assert run_ranks("debug:threads:3", lambda comm: check(comm, mistake)) == 0


@mistake
@pytest.mark.mpi(sizes=(3,))
def test_mpi(comm: Communicator, mistake: Mistake) -> None:
    check(make("debug:mpi")[0], mistake)


def test_the_run_ends_with_72_and_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_ranks("debug:threads:3", another_count) == 72
    assert capsys.readouterr().err.count("rank 1 calls another collective") == 1


def test_duplicates_are_checked_too() -> None:
    def main(comm: Communicator) -> None:
        check(comm.duplicate(), another_count)

    assert run_ranks("debug:threads:3", main) == 0
