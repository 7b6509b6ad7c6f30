"""A run that was stopped and resumed is, to the last bit, the run that never stopped."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ddtrain.trainer.config import Config, Data, Optim, Run, Schedule
from ddtrain.trainer.main import Recipe, run
from ddtrain.trainer.metrics import read
from helpers import make_task

CONFIG = Config(
    run=Run(epochs=6, dtype="float32", checkpoint_every=5),
    data=Data(batch_size=7),
    optim=Optim(name="adamw", lr=0.3, weight_decay=0.1),  # so high that the validation loss rises, too
    schedule=Schedule(name="plateau", patience=0, warmup_steps=3),
)
RECIPES = {"tiny": Recipe(CONFIG, lambda config: make_task(dtype=config.run.dtype), "a tiny net")}
STEPS = 24  # 6 epochs of 4: 7 + 7 + 7 + 2 samples


def launch(directory: Path, *options: str) -> int:
    return run(["tiny", "--run.dir", str(directory), *options], RECIPES)


def outcome(directory: Path) -> dict[str, Any]:
    """Everything a run leaves that must not depend on how often it was stopped."""
    summary = json.loads((directory / "summary.json").read_text())
    lines = [{k: v for k, v in line.items() if k != "samples_per_s"} for line in read(directory / "metrics.jsonl")]
    return {"hash": summary["params_sha256"], "lines": lines, "valid_loss": summary["valid_loss"]}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    directory = tmp_path_factory.mktemp("undisturbed") / "run"
    assert launch(directory) == 0
    found = outcome(directory)
    rates = [line["lr"] for line in found["lines"] if "lr" in line]
    assert rates[12] < rates[4], "the plateau decayed before some of the stops, so that its state matters"
    return found


@pytest.mark.parametrize("stops", [[1], [5], [7], [8], [23], [3, 4, 13], [STEPS]], ids=str)
def test_stopped_anywhere_and_resumed(tmp_path: Path, undisturbed: dict[str, Any], stops: list[int]) -> None:
    for stop in stops:
        assert launch(tmp_path, "--run.steps", str(stop), "--run.resume", "auto") == 0
    assert launch(tmp_path, "--run.resume", "auto") == 0
    got = outcome(tmp_path)
    assert got["hash"] == undisturbed["hash"]
    extra = [line for line in got["lines"] if line not in undisturbed["lines"]]
    assert all("valid_loss" in line for line in extra), "only evaluations at the end of a cut run are extra"
    assert [line for line in got["lines"] if "lr" in line] == [line for line in undisturbed["lines"] if "lr" in line]


@pytest.mark.parametrize("backend", ["threads:2", "threads:3"])
def test_stopped_and_resumed_on_several_ranks(tmp_path: Path, backend: str) -> None:
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    assert launch(straight, "--comm.backend", backend) == 0
    assert launch(broken, "--comm.backend", backend, "--run.steps", "10") == 0
    assert launch(broken, "--comm.backend", backend, "--run.resume", "auto") == 0
    assert outcome(broken)["hash"] == outcome(straight)["hash"]


def test_steps_lost_after_the_last_checkpoint_are_taken_again(tmp_path: Path, undisturbed: dict[str, Any]) -> None:
    """As after a kill at step 13: the log is ahead of the newest checkpoint, that of step 12."""
    assert launch(tmp_path, "--run.steps", "13") == 0
    for path in (tmp_path / "checkpoints" / "step-00000013").iterdir():
        path.unlink()
    (tmp_path / "checkpoints" / "step-00000013").rmdir()
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 14, "epo')
    assert launch(tmp_path, "--run.resume", "auto") == 0
    steps = [line["step"] for line in read(tmp_path / "metrics.jsonl") if "lr" in line]
    assert steps == list(range(1, STEPS + 1)), "each step is in the log once"
    assert outcome(tmp_path)["hash"] == undisturbed["hash"]


def test_a_damaged_checkpoint_falls_back_to_an_older_good_one(
    tmp_path: Path, undisturbed: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch(tmp_path, "--run.steps", "13") == 0
    newest = tmp_path / "checkpoints" / "step-00000013" / "model.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    assert launch(tmp_path, "--run.resume", "auto") == 0
    assert "step-00000013 refused" in capsys.readouterr().out
    assert outcome(tmp_path)["hash"] == undisturbed["hash"]


def test_resuming_another_run_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert launch(tmp_path, "--run.steps", "5") == 0
    for option, value in (("--run.seed", "1"), ("--data.batch-size", "8"), ("--run.dtype", "float64")):
        assert launch(tmp_path, "--run.resume", "auto", option, value) in (2, 74)
    errors = capsys.readouterr().err
    assert "--run.seed is 1, but the checkpoint's run had 0" in errors
    assert "--data.batch-size is 8, but the checkpoint's run had 7" in errors
    assert "float32" in errors
    assert "float64" in errors


def test_a_resumed_run_goes_on_as_it_was_told_at_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The advice printed at the end of a stopped run, taken literally: without options, and without a recipe."""
    recipes = {"other": RECIPES["tiny"], **RECIPES}
    told = ("--optim.lr", "0.02", "--clip.norm", "0.5", "--run.epochs", "3")
    assert launch(tmp_path / "straight", *told) == 0
    assert launch(tmp_path / "cut", *told, "--run.steps", "5") == 0
    assert run(["--run.dir", str(tmp_path / "cut"), "--run.resume", "auto"], recipes) == 0
    assert outcome(tmp_path / "cut")["hash"] == outcome(tmp_path / "straight")["hash"]
    assert "goes on differently" not in capsys.readouterr().out


def test_what_is_said_again_counts_and_is_pointed_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert launch(tmp_path, "--optim.lr", "0.02", "--run.steps", "5") == 0
    assert launch(tmp_path, "--run.resume", "auto", "--optim.lr", "0.01", "--run.epochs", "2") == 0
    out = capsys.readouterr().out
    assert "warning: --optim.lr is 0.01, but was 0.02: the run goes on differently" in out
    assert "warning: --run.epochs is 2, but was 6" in out
    rates = [line["lr"] for line in read(tmp_path / "metrics.jsonl") if "lr" in line and line["step"] > 5]
    assert max(rates) == 0.01


@dataclass(frozen=True)
class Body:
    """A part of a model."""

    width: int = 3


@dataclass(frozen=True)
class Model:
    """A model with a part."""

    body: Body = Body()


@dataclass(frozen=True)
class Nested(Config):
    """A configuration with a section in a section."""

    model: Model = Model()


def test_a_change_inside_a_nested_section_is_pointed_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipes = {"tiny": Recipe(Nested(data=Data(batch_size=7)), RECIPES["tiny"].build, "")}
    assert run(["--run.dir", str(tmp_path), "--run.steps", "2"], recipes) == 0
    again = ["--run.dir", str(tmp_path), "--run.resume", "auto", "--run.steps", "3", "--model.body.width", "4"]
    assert run(again, recipes) == 0
    assert "warning: --model.body.width is 4, but was 3" in capsys.readouterr().out


def test_another_arithmetic_is_pointed_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert launch(tmp_path, "--run.steps", "5") == 0
    monkeypatch.setattr("ddtrain.trainer.arithmetic.cpu", lambda: "another core")
    assert launch(tmp_path, "--run.resume", "auto", "--run.steps", "6") == 0
    out = capsys.readouterr().out
    assert out.count("last bits may differ") == 1
    assert "warning: cpu is 'another core', but the checkpoint's run had" in out


def test_another_recipe_or_other_data_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert launch(tmp_path, "--run.steps", "5") == 0
    fewer = {"tiny": Recipe(CONFIG, lambda config: make_task(dtype=config.run.dtype, samples=22), "")}
    for argv, recipes, said in (
        (["other"], {"other": RECIPES["tiny"], **RECIPES}, "the run to be resumed is of recipe 'tiny'"),
        ([], fewer, "the training data is 22 samples"),
    ):
        assert run([*argv, "--run.dir", str(tmp_path), "--run.resume", "auto"], recipes) == 2
        assert said in capsys.readouterr().err


def test_a_directory_that_holds_a_run_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert launch(tmp_path, "--run.steps", "5") == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert launch(tmp_path) == 2
    assert "holds a run already" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
