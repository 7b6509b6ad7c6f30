"""What a run decides of its evaluations and of values that are not finite, and that it says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import helpers
from ddtrain import data, nn
from ddtrain.diagnose import require_finite
from ddtrain.errors import NonFiniteError
from ddtrain.trainer import loop
from ddtrain.trainer.config.config import Config, Data, Optim, Run
from ddtrain.trainer.main import Recipe, run
from ddtrain.trainer.task import Task
from worlds import World

Start = Callable[..., tuple[int, str]]


class Scale(nn.Module):
    """One weight a feature."""

    def __init__(self) -> None:
        self.w = nn.param((2,), nn.init.ones)

    def forward(self, x: Any) -> Any:
        return x @ self.w


@pytest.fixture
def start(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Start:
    """``start(task, *options)``: exit code and all output of a run in ``tmp_path/run``, two steps an epoch."""
    monkeypatch.chdir(tmp_path)

    def started(task: Task, *options: str) -> tuple[int, str]:
        capfd.readouterr()
        config = Config(run=Run(epochs=6), data=Data(batch_size=8), optim=Optim(lr=1.0, momentum=0.0))
        code = run(["--run.dir", "run", *options], {"mine": Recipe(config, lambda c: task, "")}, only="mine")
        return code, "".join(capfd.readouterr())

    return started


def summary() -> dict[str, Any]:
    seen: dict[str, Any] = json.loads(Path("run/summary.json").read_text())
    return seen


def ones(valid: bool = False, loss: Callable[..., Any] = lambda model, x: model(x)) -> Task:
    x = np.ones((16, 2), "float32")
    return Task(Scale(), loss, data.ArrayData(x), data.ArrayData(-x) if valid else None)


@pytest.mark.parametrize("option", ["--eval.patience 2", "--schedule.name plateau"])
def test_what_watches_evaluations_needs_validation_data(start: Start, option: str) -> None:
    code, said = start(ones(), *option.split())
    assert code == 2
    assert f"{option.removesuffix(' 2')} watches evaluations, but there is no validation data" in said


def test_a_schedule_in_a_chain_watches_evaluations_too(start: Start) -> None:
    code, said = start(ones(), "--schedule.name", "chained", "--schedule.schedules", "cosine", "plateau")
    assert code == 2
    assert "--schedule.name chained watches evaluations, but there is no validation data" in said


def test_a_schedule_of_another_length_than_the_run_is_pointed_out(start: Start) -> None:
    """The run has twelve steps, two an epoch."""
    milestones = ("--schedule.name", "multi_step", "--schedule.unit", "epoch", "--schedule.milestones", "3", "6")
    code, said = start(ones(), *milestones)
    assert code == 0
    assert "warning: schedule multi_step: milestone 6 is beyond its 6 epochs\n" in said
    code, said = start(ones(), "--run.dir", "other", "--schedule.warmup-steps", "13")
    assert code == 2
    assert "--schedule.warmup-steps 13 is more than the 12 steps of the run: Give fewer, or more --run.epochs." in said


def test_the_base_rate_follows_the_batch(start: Start) -> None:
    assert start(ones(), "--schedule.scale-lr", "linear", "--schedule.reference-batch", "32")[0] == 0
    logged = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    assert {line["lr"] for line in logged if "lr" in line} == {0.25}


def test_a_run_out_of_patience_is_over(start: Start) -> None:
    """The loss on the validation data rises with every step: the first evaluation is the best."""
    falling = ones(valid=True)
    assert start(falling, "--eval.patience", "2")[0] == 0
    first = summary()
    assert first["steps"] == 6
    code, said = start(falling, "--run.resume", "auto")
    assert (code, summary()["steps"], summary()["params_sha256"]) == (0, 6, first["params_sha256"])
    assert summary()["valid_loss"] == first["valid_loss"]
    assert "--eval.patience 2 had run out before: give more to go on" in said
    assert "completed: validation loss no longer improves, 6 steps" in said
    assert start(falling, "--run.resume", "auto", "--eval.patience", "3")[0] == 0
    assert summary()["steps"] == 8


def overflowing(at: int) -> Task:
    """Gradients that are finite, with an update in training step ``at`` (counted from 1) that is not."""
    calls = iter(range(1, 1000))

    def loss(model: Any, x: Any) -> Any:
        here = model.run.training and next(calls) == at
        return model(x) * np.float32(3e37 if here else 1e-3)

    return ones(loss=loss)


@pytest.mark.parametrize("nonfinite", ["stop", "skip"])
def test_an_update_that_overflows_is_never_saved(start: Start, nonfinite: str) -> None:
    """The last of a run, after which no loss would show it; what was saved before is what a resume takes up."""
    # a loss that counts its calls is another function each time, which a plan would freeze
    told = ("--optim.lr", "100", "--run.epochs", "2", "--plan.enabled", "false")
    code, said = start(overflowing(at=4), *told, "--nonfinite.action", nonfinite)
    assert code == 73
    assert "2 of 2 values of w are not finite" in said
    assert "step 4, in checkpoint" in said
    assert [path.name for path in Path("run/checkpoints").iterdir()] == ["step-00000002"]
    assert start(overflowing(at=0), *told, "--run.resume", "auto")[0] == 0
    assert summary()["steps"] == 4


def test_one_rank_alone_with_an_infinity_ends_all() -> None:
    def body(comm: Any) -> str:
        vectors = {"w": np.zeros(2), "optimizer's m": np.array([1.0, np.inf if comm.rank == 1 else 0.0])}
        with pytest.raises(NonFiniteError) as caught:
            require_finite(comm, vectors)
        return caught.value.message

    (said,) = set(World("threads:3").run(body))
    assert said == "update: 1 of 2 values of optimizer's m are not finite (on rank 1 of 3)"


def test_skipped_steps_are_counted(start: Start) -> None:
    calls = iter(range(1000))
    nan_at_2 = ones(loss=lambda model, x: model(x) * (np.nan if next(calls) == 2 else 1.0))
    assert start(nan_at_2, "--nonfinite.action", "skip")[0] == 0
    assert summary()["skipped_steps"] == 1


class TestWhereItFirstWentWrong:
    """Without --debug.nans: the step that ended the run is walked through again."""

    @pytest.mark.parametrize(
        "options", [(), ("--run.shards", "5"), ("--run.accumulate", "2"), ("--comm.mode", "local")]
    )
    def test_rank_sample_and_layer_of_a_nan_in_the_data(self, start: Start, options: tuple[str, ...]) -> None:
        """Synchronised batch-norm takes it to all ranks within the step: the first operation counts."""
        task = helpers.make_task(dtype=np.float32)
        assert isinstance(task.train, data.ArrayData)
        x, y = (array.copy() for array in task.train.arrays)
        x[13, 2] = np.nan
        task = Task(task.model, task.loss, data.ArrayData(x, y))
        code, said = start(task, "--comm.backend", "threads:3", *options)
        assert code == 73
        assert "training: loss is nan, gradient norm is nan: linear produced nan at index (" in said
        assert "sample 13, layer 'first'" in said
        assert said.count("ddtrain: error") == 1

    def test_what_no_operation_shows_is_said_as_it_is(self, start: Start) -> None:
        """The square of a norm overflows, of gradients that do not."""
        huge = ones(loss=lambda model, x: model(x) * 1e200)
        code, said = start(huge, "--run.dtype", "float64", "--comm.backend", "threads:2")
        assert code == 73
        assert "training: loss is 2e+200, gradient norm is inf: Lower --optim.lr" in said


@pytest.mark.parametrize("phase", ["evaluation", "checkpoint"])
@pytest.mark.parametrize("kind", [RuntimeError, NonFiniteError])
def test_errors_outside_a_step_say_where(
    start: Start, monkeypatch: pytest.MonkeyPatch, phase: str, kind: type[Exception]
) -> None:
    def broken(*args: Any) -> None:
        raise kind("broken on purpose")

    if phase == "evaluation":
        monkeypatch.setattr(loop, "evaluate", broken)
    else:
        monkeypatch.setattr(loop.checkpoint, "save", broken)
    code, said = start(ones(valid=True))
    assert code == (73 if kind is NonFiniteError else 70)
    assert f"step 2, in {phase}" in said
    assert kind is NonFiniteError or "rank 0, step 2" in said
