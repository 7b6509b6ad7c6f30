"""What is said of a run: how it is, truthfully also where its job is gone, and its figures."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain.runs import History, Run, fit
from ddtrain.runs.overview import best_figures, overview, state
from helpers import make_task


def test_a_run_that_is_over(tmp_path: Path) -> None:
    options: dict[str, Any] = {"optim": {"lr": 0.5}, "backend": "threads:2", "quiet": True}
    run = fit(make_task(), dir=tmp_path / "run", epochs=2, batch_size=7, name="mine", **options)
    rows = overview(run, {})
    assert list(rows) == ["state", "progress", "last", "best", "checkpoints", "options", "time", "ranks", "parameters"]
    assert rows["state"] == "completed: all steps done"
    assert rows["progress"] == "step 8 of 8, epoch 2 of 2"
    assert rows["last"].startswith(f"loss {run.history['loss'][-1]:.4g}  accuracy ")
    at = int(run.history["valid_loss"].argmin())
    assert rows["best"].startswith(f"valid_loss {run.history['valid_loss'][at]:.4g}  valid_accuracy ")
    assert rows["best"].endswith(f"at step {4 * (at + 1)}")
    assert rows["checkpoints"] == f"2, newest step-00000008, best {run.best.name}"
    assert "data.batch_size 7 (128)" in rows["options"]
    assert rows["ranks"] == "2 (threads:2)"
    assert rows["parameters"] == f"sha256 {run.summary['params_sha256']}"


def test_figures_of_the_end_are_told_where_they_are_others(tmp_path: Path) -> None:
    options: dict[str, Any] = {"norm": {"statistics": "population"}, "batch_size": 7, "quiet": True}
    run = fit(make_task(), dir=tmp_path / "run", epochs=2, **options)
    assert overview(run, {})["in the end"].startswith(f"valid_loss {run.summary['valid_loss']:.4g}  valid_accuracy ")
    assert run.summary["valid_loss"] != run.history["valid_loss"][-1]


def test_a_run_that_has_not_begun(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('recipe = "mine"\n')
    assert overview(Run(tmp_path), {}) == {"state": "not begun", "checkpoints": "none"}


def test_a_job_that_is_gone_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('recipe = "mine"\n')
    (tmp_path / "status.json").write_text('{"state": "running", "step": 3}')
    gone = 1 << 30  # larger than any process number of Linux
    for pid, host, said in (
        (os.getpid(), socket.gethostname(), "running"),
        (gone, "elsewhere", "running"),
        (gone, socket.gethostname(), "killed: "),
    ):
        (tmp_path / ".ddtrain-lock").write_text(json.dumps({"pid": pid, "host": host}))
        assert state(Run(tmp_path)).startswith(said)
    (tmp_path / ".ddtrain-lock").unlink()
    assert state(Run(tmp_path)).startswith("killed: ")


@pytest.mark.parametrize("losses", [["NaN", 2.0, "NaN", 1.5, "Infinity", 1.75], [1.5]])
def test_the_best_evaluation_is_among_those_that_are_numbers(losses: list[Any]) -> None:
    history = History([{"step": n, "valid_loss": loss, "valid_f1": n / 8} for n, loss in enumerate(losses)])
    at = losses.index(1.5)
    assert best_figures(history) == f"valid_loss 1.5  valid_f1 {at / 8:.4g}  at step {at}"


def test_without_a_number_there_is_no_best() -> None:
    assert best_figures(History([{"step": 1, "valid_loss": "NaN"}])) == ""
    assert best_figures(History([{"step": 1, "loss": 1.0}])) == ""
    assert np.isnan(History([{"step": 1, "valid_loss": "NaN"}])["valid_loss"]).all()
