"""Errors that all ranks raise together, and what each must have been told alike."""

from __future__ import annotations

from typing import Any

import pytest

from ddtrain.comm import Communicator, raise_on_all, run_ranks
from ddtrain.comm.agreement import check_same, run_on_all, run_on_rank_0
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import CheckpointError, DataError, ShapeError, UsageError
from worlds import World


@pytest.mark.parametrize(
    ("bad", "where"), [([1], " (on rank 1 of 3)"), ([1, 2], " (on ranks 1 and 2 of 3)"), ([0, 1, 2], "")]
)
def test_agree_raises_the_lowest_failing_ranks_error_on_all(
    bad: list[int], where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = []

    def main(comm: Communicator) -> None:
        mine = DataError(f"file {comm.rank} is cut", remedy="Copy it again.", line="x.py:1")
        try:
            raise_on_all(comm, mine if comm.rank in bad else None)
        except DataError as error:
            seen.append(str(error))
            raise

    assert run_ranks("threads:3", main) == 74
    text = f"file {bad[0]} is cut{where}"
    assert seen == [f"{text}\n  Copy it again.  x.py:1"] * 3
    assert capsys.readouterr().err == f"ddtrain: error: {text}: Copy it again.  x.py:1\n"


def test_agree_lets_healthy_ranks_pass() -> None:
    assert run_ranks("threads:3", lambda comm: raise_on_all(comm, None)) == 0


def test_an_error_keeps_its_kind_and_its_place_on_the_ranks_that_had_none() -> None:
    def body(comm: Communicator) -> tuple[str, dict[str, Any]]:
        mine = ShapeError("no fit", rank=comm.rank, step=3) if comm.rank == 2 else None
        with pytest.raises(ShapeError) as caught:
            raise_on_all(comm, mine)
        return caught.value.message, caught.value.place

    assert World("threads:3").run(body) == [("no fit (on rank 2 of 3)", {"rank": 2, "step": 3})] * 3


def test_what_an_action_returns_is_each_ranks_own() -> None:
    assert World("threads:3").run(lambda comm: run_on_all(comm, lambda: comm.rank**2)) == [0, 1, 4]


def test_an_action_that_fails_on_one_rank_fails_on_all() -> None:
    def action(rank: int) -> int:
        if rank == 1:
            raise DataError("gone")
        return rank

    def body(comm: Communicator) -> str:
        with pytest.raises(DataError) as caught:
            run_on_all(comm, lambda: action(comm.rank))
        return str(caught.value)

    assert World("threads:3").run(body) == ["gone (on rank 1 of 3)"] * 3


def test_what_is_no_error_of_ours_passes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        run_on_all(LocalCommunicator(), lambda: 1 // 0)


def test_rank_0_alone_does_what_it_does_for_all() -> None:
    called = []

    def action(rank: int) -> dict[str, int]:
        called.append(rank)
        return {"found": 7}

    found = World("threads:3").run(lambda comm: run_on_rank_0(comm, lambda: action(comm.rank)))
    assert (found, called) == ([{"found": 7}] * 3, [0])


def test_its_error_is_everybodys() -> None:
    def fail() -> None:
        raise CheckpointError("damaged", remedy="Copy it again.")

    def body(comm: Communicator) -> str:
        with pytest.raises(CheckpointError) as caught:
            run_on_rank_0(comm, fail)
        return caught.value.one_line

    assert World("threads:3").run(body) == ["damaged: Copy it again."] * 3


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["a", "a", "b"], "ranks disagree: --run.dir is b on rank 2 but a on the others"),
        (["b", "a", "a"], "ranks disagree: --run.dir is b on rank 0 but a on the others"),
    ],
)
def test_the_rank_that_was_told_something_else_is_named_on_all(values: list[str], said: str) -> None:
    def body(comm: Communicator) -> str:
        with pytest.raises(UsageError) as caught:
            check_same(comm, "--run.dir", values[comm.rank])
        return caught.value.message

    assert World("threads:3").run(body) == [said] * 3


def test_ranks_that_were_told_the_same_go_on() -> None:
    World("threads:3").run(lambda comm: check_same(comm, "--run.dir", "a"))
