"""Ranks that a benchmark starts itself: what they return comes back in rank order, and what they say when they fail."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from ddtrain.bench import mpirun
from ddtrain.errors import UsageError

pytestmark = pytest.mark.mpi_skip  # a process that mpirun started cannot start it again


def test_what_every_rank_returns_comes_back_in_rank_order() -> None:
    settings: dict[str, Any] = {"subject": "tiny_mlp", "batch": 0, "mode": "strong", "seconds": 0.01}
    found = mpirun.launch(3, "scaling", **settings)
    assert [rank["batch"] for rank in found] == [32, 32, 32]
    assert all(set(rank["turns"]) == {"ours", "null"} for rank in found)
    steps = [[turn["steps"] for turn in rank["turns"]["ours"]] for rank in found]
    assert steps[0] == steps[1] == steps[2]


def test_an_error_of_the_ranks_is_shown_and_its_code_kept() -> None:
    with pytest.raises(mpirun.LaunchError) as raised:
        mpirun.launch(2, "scaling", subject="tiny_mpl", batch=0, mode="weak", seconds=1.0)
    assert raised.value.exit_code == 2
    assert "unknown recipe or workload 'tiny_mpl': Did you mean tiny_mlp?" in raised.value.message


def test_an_exception_on_the_ranks_is_shown_by_its_last_line() -> None:
    with pytest.raises(mpirun.LaunchError, match=r"TypeError: .*unexpected keyword argument 'colour'") as raised:
        mpirun.launch(1, "scaling", colour="red")
    assert raised.value.exit_code == 70


def test_a_launcher_that_starts_nothing_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "mpirun"
    fake.write_text("#!/bin/sh\necho 'not enough slots' >&2\nexit 213\n")
    fake.chmod(0o755)
    monkeypatch.setattr(mpirun, "mpirun", lambda: str(fake))
    with pytest.raises(mpirun.LaunchError, match="not enough slots") as raised:
        mpirun.launch(4, "scaling")
    assert raised.value.exit_code == 70


@pytest.mark.parametrize("text", ["0", "x", "1,,2", "-1", "1.5", ""])
def test_ranks_are_numbers(text: str) -> None:
    with pytest.raises(UsageError, match="expected numbers of ranks"):
        mpirun.check_sizes(text)


def test_more_ranks_than_can_be_started_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mpirun, "cores", lambda: 2)
    most = 2 * mpirun.MOST_PER_CORE
    assert mpirun.check_sizes(f"1,{most}") == [1, most]
    with pytest.raises(UsageError, match=f"{most + 1} ranks are more than this machine can start, with 2 cores"):
        mpirun.check_sizes(f"1,{most + 1}")


def test_a_machine_without_mpirun_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="no mpirun was found"):
        mpirun.check_sizes("2")


def test_ranks_are_not_started_by_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    from ddtrain.comm import Launcher

    monkeypatch.setattr(mpirun, "launcher", lambda: Launcher(2, 0, 2, "PMI_SIZE"))
    with pytest.raises(UsageError, match=r"starts its own ranks, but 2 were started \(PMI_SIZE\)"):
        mpirun.check_sizes("2")
