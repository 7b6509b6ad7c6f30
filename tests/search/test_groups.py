"""Groups of ranks: who is in which, and that every trial is claimed once."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddtrain.comm import Communicator
from ddtrain.errors import DataError, UsageError
from ddtrain.search.groups import Group
from worlds import World


@pytest.mark.parametrize(("size", "ranks"), [(1, 1), (3, 1), (4, 2), (6, 3), (2, 2)])
def test_ranks_are_divided_in_order(size: int, ranks: int) -> None:
    def body(comm: Communicator) -> tuple[int, int, int, list[int]]:
        group = Group(comm, ranks)
        return group.number, group.count, group.comm.rank, group.comm.exchange_objects(comm.rank)

    for rank, (number, count, place, members) in enumerate(World(f"threads:{size}").run(body)):
        assert (number, count, place) == (rank // ranks, size // ranks, rank % ranks)
        assert members == list(range(number * ranks, (number + 1) * ranks))


@pytest.mark.parametrize("ranks", [1, 2])
def test_every_trial_is_claimed_once_by_all_ranks_of_a_group(tmp_path: Path, ranks: int) -> None:
    def body(comm: Communicator) -> tuple[int, list[int]]:
        group = Group(comm, ranks)
        return group.number, list(group.claimed(tmp_path, 20))

    found = World("threads:4").run(body)
    groups = dict(found)
    assert all(groups[number] == claimed for number, claimed in found)
    assert sorted(n for claimed in groups.values() for n in claimed) == list(range(20))
    assert all(claimed == sorted(claimed) for claimed in groups.values())


def test_a_group_that_is_alone_needs_no_claims(tmp_path: Path) -> None:
    assert World("threads:2").run(lambda comm: list(Group(comm, 2).claimed(tmp_path / "none", 3))) == [[0, 1, 2]] * 2


def test_claims_that_cannot_be_made_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="which rank 0 has made, is not here"):
        World("threads:2").run(lambda comm: list(Group(comm, 1).claimed(tmp_path / "none", 3)))
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot write"):
        World("threads:2").run(lambda comm: list(Group(comm, 1).claimed(tmp_path / "file", 3)))


def test_an_error_of_all_ranks_is_told_from_that_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ddtrain.search.groups._ALIKE_S", 0.2)
    assert World("threads:3").run(lambda comm: Group(comm, 3).failed_alike()) == [True] * 3

    def body(comm: Communicator) -> bool:
        group = Group(comm, 3)
        return group.failed_alike() if comm.rank == 1 else True

    assert World("threads:3").run(body) == [True, False, True]
