"""A search from Python: what comes back, and what may not be asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from searches import LR, LineConfig, line_task
from searches import search as by_study

from ddtrain.errors import UsageError
from ddtrain.search import Search, search


def call(directory: Path, **options: Any) -> Search:
    return search(line_task, LR, config=LineConfig(), dir=directory, quiet=True, **options)


def test_a_call_finds_what_the_verb_finds(tmp_path: Path) -> None:
    found = call(tmp_path / "call", trials=3, backend="threads:2")
    theirs = by_study(tmp_path / "study", trials=3)
    assert [trial.score for trial in found.trials] == [trial["score"] for trial in theirs["trials"]]
    assert found.best.values == theirs["trials"][0]["values"]
    assert [run.path.name for run in found.winners] == [f"{trial:03d}" for trial in theirs["winners"]]
    assert found.winners[0].config["optim"]["lr"] == found.best.values["optim.lr"]
    assert Search(found.path).summary == found.summary


def test_nothing_is_printed_where_that_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call(tmp_path, trials=1)
    assert capsys.readouterr() == ("", "")


def test_what_is_maximized(tmp_path: Path) -> None:
    found = call(tmp_path, trials=3, maximize="valid_close")
    assert found.best.figures["valid_close"] == max(trial.figures["valid_close"] for trial in found.trials)


def test_what_makes_no_sense_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="search: an int where a Task is wanted"):
        search(3, LR)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="search: there is no option 'epoch'"):
        call(tmp_path, epoch=3)
    with pytest.raises(UsageError, match=r"space: unknown option 'optim.ln'"):
        search(line_task, {"optim.ln": {"uniform": [0, 1]}}, dir=tmp_path)
    with pytest.raises(UsageError, match="no search has ended here"):
        Search(tmp_path)
