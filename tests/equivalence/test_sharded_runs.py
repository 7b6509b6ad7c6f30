"""Whole runs in shards: the same log, the same end, the same bits, on any ranks, also if their number changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain.trainer.config.config import Clip, Config, Data, Evaluation, Optim, Run, Schedule
from ddtrain.trainer.main import Recipe, run
from ddtrain.trainer.records.metrics import read
from helpers import launch as processes
from helpers import make_task

CONFIG = Config(
    run=Run(epochs=8, shards=5),
    eval=Evaluation(patience=2),
    data=Data(batch_size=7),
    optim=Optim(name="adam", lr=0.3, weight_decay=0.1),  # so high that the validation loss rises, too
    schedule=Schedule(name="plateau", patience=0),
    clip=Clip(norm=1.0),
)
RECIPES = {"tiny": Recipe(CONFIG, lambda config: make_task(dtype=np.dtype(config.run.dtype)), "")}
EVERYWHERE = ["local", "threads:2", "threads:3", "threads:4", "threads:5"]


def launch(directory: Path, backend: str, *options: str) -> int:
    return run(["--run.dir", str(directory), "--comm.backend", backend, *options], RECIPES)


def outcome(directory: Path) -> dict[str, Any]:
    """Everything that may not depend on the ranks: the hash, and every figure of every line, to the last bit."""
    summary = json.loads((directory / "summary.json").read_text())
    lines = [
        {k: v for k, v in line.items() if k != "samples_per_s"}
        for line in read(directory / "metrics.jsonl")
        if "lr" in line or line["step"] % 4 == 0  # a run that is cut short evaluates at its end, too
    ]
    status = json.loads((directory / "status.json").read_text())
    return {"hash": summary["params_sha256"], "lines": lines, "reason": status["reason"], "step": status["step"]}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    directory = tmp_path_factory.mktemp("alone")
    assert launch(directory, "local") == 0
    return outcome(directory)


def test_the_run_stops_early_so_that_this_is_tested_too(alone: dict[str, Any]) -> None:
    assert alone["reason"] == "validation loss no longer improves"
    assert {line["lr"] for line in alone["lines"] if "lr" in line} > {0.3}, "the plateau has had its say"


@pytest.mark.parametrize("backend", EVERYWHERE[1:])
@pytest.mark.parametrize("bucket_bytes", ["1", "1048576"])
def test_every_number_of_the_run_is_the_same(
    tmp_path: Path, alone: dict[str, Any], backend: str, bucket_bytes: str
) -> None:
    assert launch(tmp_path, backend, "--comm.bucket-bytes", bucket_bytes) == 0
    assert outcome(tmp_path) == alone


@pytest.mark.parametrize(
    ("before", "after"), [("threads:3", "local"), ("local", "threads:5"), ("threads:4", "threads:2")]
)
@pytest.mark.parametrize("step", ["3", "9"])
def test_resuming_on_another_number_of_ranks_changes_nothing(
    tmp_path: Path, alone: dict[str, Any], before: str, after: str, step: str
) -> None:
    assert launch(tmp_path, before, "--run.steps", step) == 0
    assert launch(tmp_path, after, "--run.resume", "auto") == 0
    assert outcome(tmp_path) == alone


def test_another_number_of_shards_is_pointed_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert launch(tmp_path, "local", "--run.steps", "3") == 0
    assert launch(tmp_path, "local", "--run.resume", "auto", "--run.shards", "4", "--run.steps", "4") == 0
    assert "--run.shards is 4, but was 5: the run goes on differently" in capsys.readouterr().out


def test_processes_and_threads_end_alike(tmp_path: Path) -> None:
    """The recipe of the command line, under mpirun, in a window and by messages, and in one process."""
    argv = ["digits_mlp", "--run.shards", "4", "--run.steps", "6", "--eval.every", "0", "--run.dir"]
    for name, ranks, more in (
        ("alone", 0, ()),
        ("three", 3, ()),
        ("messages", 2, ("--comm.node-memory", "off")),
        ("cliques", 4, ("--comm.bucket-bytes", "20000")),
    ):
        done = processes(ranks, *argv, name, *more, cwd=tmp_path, program="-mddtrain.train", MPIR_CVAR_NUM_CLIQUES="2")
        assert done.returncode == 0, done.stderr
    hashes = {json.loads((run / "summary.json").read_text())["params_sha256"] for run in tmp_path.iterdir()}
    assert len(hashes) == 1


def test_more_ranks_than_shards_is_one_line(tmp_path: Path) -> None:
    done = processes(3, "digits_mlp", "--run.shards", "2", cwd=tmp_path, program="-mddtrain.train")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    problem = "--run.shards 2 is less than the 3 ranks that share them"
    assert line == f"ddtrain: error: {problem}: Give at least 3, or start fewer ranks."
