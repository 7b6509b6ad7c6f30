"""A run that was stopped and resumed is, to the last bit, the run that never stopped."""

from __future__ import annotations

import functools
import json
import shutil
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain import nn
from ddtrain.data import ArrayData
from ddtrain.trainer import loop
from ddtrain.trainer.checkpoint.contents import decode
from ddtrain.trainer.checkpoint.finder import latest
from ddtrain.trainer.checkpoint.writer import amend
from ddtrain.trainer.config.config import Checkpoint, Config, Data, Optim, Run, Schedule
from ddtrain.trainer.main import Recipe, run
from ddtrain.trainer.modes import Sync
from ddtrain.trainer.records.metrics import read
from ddtrain.trainer.task import Task
from helpers import Net, make_task

CONFIG = Config(
    run=Run(epochs=6, dtype="float32"),
    checkpoint=Checkpoint(every=5),
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


@pytest.mark.parametrize(
    ("again", "said"),
    [
        ((), ["warning: --run.steps is 0 (no limit), but was 13: the run goes on past it"]),
        (("--run.steps", "13"), []),
        (("--run.steps", "14"), []),
    ],
    ids=["none", "as before", "more"],
)
def test_a_run_that_its_steps_no_longer_end_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], again: tuple[str, ...], said: list[str]
) -> None:
    """Stopped at step 12, before the end that it was told, and resumed."""
    assert launch(tmp_path, "--run.steps", "13") == 0
    shutil.rmtree(tmp_path / "checkpoints" / "step-00000013")
    capfd.readouterr()
    assert launch(tmp_path, "--run.resume", "auto", *again) == 0
    assert [line for line in capfd.readouterr().out.splitlines() if "--run.steps" in line] == said


class Killed(BaseException):
    """Stands for SIGKILL: nobody catches it."""


KEEPING = ("--comm.backend", "threads:2", "--checkpoint.every", "100", "--checkpoint.keep", "1")


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that saves at evaluations alone, and keeps the newest checkpoint and the best."""
    directory = tmp_path_factory.mktemp("straight") / "run"
    assert launch(directory, *KEEPING) == 0
    return directory


@pytest.mark.parametrize("moment", ["evaluate", "RunRecords.evaluation", "checkpoint.complete"])
@pytest.mark.parametrize("stops_at", [1, 3, 6])
def test_a_kill_between_saving_and_evaluating_costs_no_step_and_no_evaluation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, straight: Path, moment: str, stops_at: int
) -> None:
    """Before, within and after the evaluation that completes a checkpoint, be it the first, a plateau's or the last."""
    owner, name = (loop, moment) if "." not in moment else (getattr(loop, moment.split(".")[0]), moment.split(".")[1])
    real, calls = getattr(owner, name), []

    def fatal(*args: Any, **keywords: Any) -> Any:
        calls.append(threading.current_thread().name)
        if calls.count(calls[-1]) == stops_at:
            raise Killed
        return real(*args, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fatal)
        assert launch(tmp_path, *KEEPING) == 70
    saved = latest(tmp_path).snapshot
    assert (saved.step, saved.evaluated) == (4 * stops_at, 4 * (stops_at - 1))
    assert launch(tmp_path, *KEEPING, "--run.resume", "auto") == 0
    assert outcome(tmp_path) == outcome(straight)
    kept, wanted = ({path.name for path in (run / "checkpoints").iterdir()} for run in (tmp_path, straight))
    assert kept == wanted, "the best of all evaluations, and the last"


def test_so_it_is_where_nodes_are_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is evaluated, before the kill and after it, is the mean of nodes that have gone on by themselves."""
    apart = ("--comm.backend", "threads:3", "--comm.mode", "local", "--comm.sync-every", "5", "--run.steps", "10")
    assert launch(tmp_path / "straight", *apart) == 0
    with monkeypatch.context() as patch:
        patch.setattr(loop, "evaluate", lambda *args: (_ for _ in ()).throw(Killed))
        assert launch(tmp_path / "cut", *apart) == 70
    assert launch(tmp_path / "cut", *apart, "--run.resume", "auto") == 0
    assert outcome(tmp_path / "cut") == outcome(tmp_path / "straight")


def test_the_best_evaluation_has_its_checkpoint(tmp_path: Path, undisturbed: dict[str, Any]) -> None:
    assert launch(tmp_path, "--checkpoint.keep", "1", "--checkpoint.every", "7") == 0
    figures = {line["step"]: line["valid_loss"] for line in undisturbed["lines"] if "valid_loss" in line}
    best = min(figures, key=figures.__getitem__)
    assert best % 7, "no step that has a checkpoint anyway"
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == [f"step-{best:08}", f"step-{STEPS:08}"]
    assert decode(tmp_path / "checkpoints" / f"step-{best:08}").metrics["valid_loss"] == figures[best]


def test_an_error_in_the_validation_data_shows_before_the_first_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also of a data set that does not say which labels are outermost, in as far as its first batch shows it."""

    class Plain:
        def __init__(self, data: ArrayData) -> None:
            self.data = data

        def __len__(self) -> int:
            return len(self.data)

        def batch(self, indices: Any) -> Any:
            return self.data.batch(indices)

    def build(config: Config, bad: int) -> Task:
        task = make_task(dtype=config.run.dtype, samples=600)
        x, y = (array.copy() for array in task.valid.arrays)
        y[bad] = 99  # a class that there is not
        return replace(task, valid=Plain(ArrayData(x, y)))

    for bad, step in ((0, 0), (-1, 86)):  # in the first batch; in a later one
        recipes = {"tiny": Recipe(CONFIG, functools.partial(build, bad=bad), "")}
        directory = tmp_path / str(step)
        assert run(["tiny", "--run.dir", str(directory)], recipes) == 70
        assert "99" in capsys.readouterr().err
        assert (latest(directory).snapshot.step if step else latest(directory)) == (step or None)
        assert len([line for line in read(directory / "metrics.jsonl") if "lr" in line]) == step
    assert latest(tmp_path / "86").snapshot.evaluated == 0, "an epoch's work, though its evaluation fails"


def test_a_trial_of_the_evaluation_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even running statistics that each rank has for itself, which a whole evaluation makes equal."""
    build = lambda config: make_task(Net(sync=False), config.run.dtype)
    recipes = {"tiny": Recipe(CONFIG, build, "")}
    told = ("--comm.backend", "threads:3", "--comm.mode", "local", "--comm.sync-every", "5")
    for name in ("with", "without"):
        if name == "without":
            monkeypatch.setattr(loop, "try_evaluation", lambda *args: None)
        for stop in ("7", "24"):
            again = ["--run.dir", str(tmp_path / name), "--run.resume", "auto", "--run.steps", stop]
            assert run(["tiny", *again, *told], recipes) == 0
    summaries = [json.loads((tmp_path / name / "summary.json").read_text()) for name in ("with", "without")]
    for name in ("model_sha256", "gradient_bytes", "valid_loss"):
        assert summaries[0][name] == summaries[1][name]
    assert outcome(tmp_path / "with") == outcome(tmp_path / "without")


def test_a_run_out_of_patience_is_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = ("--eval.patience", "1", "--comm.backend", "threads:2")
    assert launch(tmp_path, *told) == 0
    ended = outcome(tmp_path)
    assert ended["lines"][-1]["step"] < STEPS
    for _ in range(2):
        assert launch(tmp_path, "--comm.backend", "threads:2", "--run.resume", "auto") == 0
        assert "completed: validation loss no longer improves" in capsys.readouterr().out
        assert outcome(tmp_path) == ended
    assert launch(tmp_path, "--run.resume", "auto", "--eval.patience", "9") == 0
    assert outcome(tmp_path)["lines"][-1]["step"] == STEPS, "with more patience it goes on"


def test_going_back_puts_aside_what_was_newer(
    tmp_path: Path, undisturbed: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch(tmp_path, "--checkpoint.keep", "9") == 0
    back = ("--run.resume", str(tmp_path / "checkpoints" / "step-00000010"))
    assert launch(tmp_path, *back, "--run.steps", "11") == 0
    assert f"are now in {tmp_path}/superseded-1" in capsys.readouterr().out
    assert latest(tmp_path).snapshot.step == 11
    assert decode(tmp_path / "superseded-1" / f"step-{STEPS:08}").step == STEPS
    lines = [line["step"] for line in read(tmp_path / "superseded-1" / "metrics.jsonl") if "lr" in line]
    assert lines == list(range(11, STEPS + 1))
    assert launch(tmp_path, "--run.resume", "auto") == 0
    assert outcome(tmp_path)["hash"] == undisturbed["hash"]


@pytest.mark.parametrize("lost", ["head.bias", "norm.running_var", "the optimizer's v"])
def test_a_model_that_is_lost_is_not_saved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    """Something becomes infinite after the last gradient, so that no step sees it."""
    real = Sync.apply

    def apply(self: Sync, control: Any) -> None:
        real(self, control)
        if self.done == 7:
            vectors = {**self.train_step.store.tensors, "the optimizer's v": self.train_step.optimizer.state["v"]}
            vectors[lost][-1] = np.inf

    monkeypatch.setattr(Sync, "apply", apply)
    assert launch(tmp_path, "--comm.backend", "threads:2", "--run.steps", "7") == 73
    (line,) = capsys.readouterr().err.splitlines()
    assert f"values of {lost} are not finite" in line
    assert "step 7, in checkpoint" in line
    assert latest(tmp_path).snapshot.step == 5


def test_infinities_that_the_model_declares_are_saved(tmp_path: Path) -> None:
    class Masked(Net):
        def __init__(self) -> None:
            super().__init__()
            self.mask = nn.buffer((2,), lambda rng, shape: np.full(shape, -np.inf))

    recipes = {"tiny": Recipe(CONFIG, lambda config: make_task(Masked(), config.run.dtype), "")}
    for stop in ("5", "6"):
        assert run(["tiny", "--run.dir", str(tmp_path), "--run.resume", "auto", "--run.steps", stop], recipes) == 0


def test_the_hash_of_the_model_covers_statistics(tmp_path: Path) -> None:
    found = []
    for shift in (0.0, 1.0):

        class Shifted(Net):
            def init(self, *args: Any) -> Any:
                values = dict(super().init(*args))
                return values | {"norm.running_mean": values["norm.running_mean"] + shift}  # noqa: B023

        recipes = {"tiny": Recipe(CONFIG, lambda config: make_task(Shifted(), config.run.dtype), "")}
        assert run(["tiny", "--run.dir", str(tmp_path / str(shift)), "--run.steps", "5"], recipes) == 0
        found.append(json.loads((tmp_path / str(shift) / "summary.json").read_text()))
        saved = latest(tmp_path / str(shift)).snapshot
        assert (saved.params_sha256, saved.model_sha256) == (found[-1]["params_sha256"], found[-1]["model_sha256"])
    assert found[0]["params_sha256"] == found[1]["params_sha256"]
    assert found[0]["model_sha256"] != found[1]["model_sha256"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"epoch": 2}, "epoch is 2, where it can only be 1"),
        ({"position": 5}, "position is 5, where it can only be"),
        ({"seed": 5}, "seed is 5"),
        ({"coordinator": {}}, "'skipped' of the coordinator is missing"),
        ({"config": {}}, "its --run.seed is None"),
        (
            {"config": {"run": {"seed": 0, "dtype": "float32"}, "data": {"batch_size": 7}, "optim": {"lr": "fast"}}},
            "lr",
        ),
    ],
    ids=lambda x: str(x)[:24],
)
def test_senseless_contents_of_a_sound_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], said: str
) -> None:
    assert launch(tmp_path, "--run.steps", "5") == 0
    path = tmp_path / "checkpoints" / "step-00000005"
    amend(path, change)
    assert launch(tmp_path, "--run.resume", "auto", "--run.steps", "6") == 74
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


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
    monkeypatch.setattr("ddtrain.trainer.numeric_environment.cpu", lambda: "another core")
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
