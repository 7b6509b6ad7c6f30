"""Stopped by a signal, a file, or a kill: the run that is then resumed gives the bits of one that never stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import faulty
import pytest

from ddtrain.trainer.checkpoint import finder
from ddtrain.trainer.main import run
from ddtrain.trainer.records.metrics import read

THREADS = ("--comm.backend", "threads:3")


def outcome(run_dir: Path) -> dict[str, Any]:
    """What must not depend on whether a run was stopped."""
    lines = [{k: v for k, v in line.items() if k != "samples_per_s"} for line in read(run_dir / "metrics.jsonl")]
    summary = json.loads((run_dir / "summary.json").read_text())
    return {
        "hash": summary["params_sha256"],
        "valid_loss": summary["valid_loss"],
        "steps": [line for line in lines if "lr" in line],
    }


def status(run_dir: Path) -> dict[str, Any]:
    told = json.loads((run_dir / "status.json").read_text())
    return {name: told[name] for name in ("state", "code", "step")}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    directory = tmp_path_factory.mktemp("undisturbed") / "run"
    assert run(["faulty", "--run.dir", str(directory), *THREADS], faulty.RECIPES) == 0
    return outcome(directory)


@pytest.mark.parametrize(
    ("kind", "rank"), [("signal_mpirun", 1), ("terminate", 2), ("stop_file", 0)], ids=["mpirun", "one rank", "file"]
)
def test_a_request_stops_all_ranks_after_the_same_step(tmp_path, job, undisturbed, kind, rank):
    done = job(3, "--run.dir", "run", "--fault.kind", kind, "--fault.rank", str(rank))
    assert (done.returncode, done.stderr) == (75, "")
    at = status(tmp_path / "run")["step"]
    assert status(tmp_path / "run") == {"state": "stopped", "code": 75, "step": at}
    assert at in (7, 8), "the request came during the seventh step: that one or the next is the last"
    assert finder.verify(tmp_path / "run" / "checkpoints" / f"step-{at:08}")["step"] == at
    assert [line["step"] for line in read(tmp_path / "run" / "metrics.jsonl") if "lr" in line] == [*range(1, at + 1)]
    assert not (tmp_path / "run" / "STOP").exists(), "or the resumed run would stop again"
    assert job(0, "--run.dir", "run", "--run.resume", "auto", *THREADS).returncode == 0
    assert outcome(tmp_path / "run") == undisturbed


def test_a_stop_file_that_came_after_the_run_does_not_stop_the_next(tmp_path, job):
    assert job(0, "--run.dir", "run", "--run.steps", "3").returncode == 0
    (tmp_path / "run" / "STOP").touch()
    done = job(3, "--run.dir", "run", "--run.steps", "6", "--run.resume", "auto")
    assert (done.returncode, status(tmp_path / "run")["step"]) == (0, 6)
    assert "warning: run/STOP was there before the run began, and is removed\n" in done.stdout
    assert not (tmp_path / "run" / "STOP").exists()


def test_a_killed_rank_costs_the_steps_since_the_last_checkpoint(tmp_path, job, undisturbed):
    assert job(3, "--run.dir", "run", "--fault.kind", "kill").returncode not in (0, 75)
    assert status(tmp_path / "run")["state"] != "completed"
    done = job(3, "--run.dir", "run", "--run.resume", "auto", "--fault.kind=")
    assert (done.returncode, done.stderr) == (0, "")
    assert "resuming from run/checkpoints/step-00000005 after step 5" in done.stdout
    assert outcome(tmp_path / "run") == undisturbed


def test_a_second_request_stops_at_once(tmp_path, job):
    done = job(3, "--run.dir", "run", "--fault.kind", "terminate_twice")
    assert done.returncode == 130
    assert "[rank 1] ddtrain: interrupted" in done.stderr.splitlines()
    assert "Traceback" not in done.stderr
    assert status(tmp_path / "run") == {"state": "failed", "code": 130, "step": 6}
    assert (tmp_path / "run" / "checkpoints" / "step-00000005").exists(), "what was saved stays"
