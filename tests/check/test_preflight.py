"""``ddtrain check`` on jobs with one fault each: it is found, and named."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddtrain.numpy as dnp
from ddtrain import nn, ops
from ddtrain.check.preflight import Preflight, in_time
from ddtrain.comm import call_on_ranks
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.task import Task
from helpers import CLASSES, FEATURES, SAMPLES, Net, loss, make_task, sgd_config

Build = Callable[[Any], Task]


def checked(build: Build, config: Config, backend: str = "local") -> dict[str, str]:
    """The lines of a check by their names; it must say the same as it returns."""
    lines: list[str] = []

    def main(comm: Any) -> None:
        show = lambda line: lines.append(line) if comm.rank == 0 else None
        good = Preflight(comm, "job", build, config, show).run()
        if comm.rank == 0:
            assert good == all(not line.startswith("WRONG") for line in lines)

    call_on_ranks(backend, main)
    named = [line for line in lines if line.startswith(("ok", "WRONG"))]
    return {line.split()[1]: line for line in named}


def test_no_thread_is_left_that_reads_ahead() -> None:
    before = threading.active_count()
    found = checked(lambda c: make_task(), config().updated({"data": {"prefetch": 2}}))
    assert all(line.startswith("ok") for line in found.values())
    assert threading.active_count() == before


def config(**run: Any) -> Config:
    return sgd_config().updated({"run": {"epochs": 3, **run}})


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    yield
    assert [*tmp_path.rglob("*")] == [tmp_path / "runs"], "nothing is left behind"


@pytest.mark.parametrize("backend", ["local", "threads:2", "threads:3"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_job_that_is_right(backend: str, dtype: str) -> None:
    found = checked(lambda c: make_task(dtype=np.float32), config(dtype=dtype), backend)
    assert list(found) == ["options", "layers", "memory", "evaluation", "step", "data", "ranks", "resume", "time"]
    assert all(line.startswith("ok") for line in found.values())
    assert "5 layers" in found["ranks"]
    assert "12 steps and 3 evaluations" in found["time"]


@pytest.mark.parametrize("options", [{"shards": 4}, {"accumulate": 2}, {"limit": 9}, {"overfit_batches": 1}])
def test_with_options_of_the_run(options: dict[str, int]) -> None:
    assert all(line.startswith("ok") for line in checked(lambda c: make_task(), config(**options)).values())


@pytest.mark.mpi(min_size=2)
def test_ranks_of_mpirun_are_compared(comm: Any) -> None:
    settings = config().updated({"data": {"batch_size": 12}})  # no rank has an empty part, of which there is no mean
    for model, good in ((Net(), True), (Own(OwnStatistics()), False)):
        lines: list[str] = []
        assert Preflight(comm, "job", lambda c, m=model: make_task(m), settings, lines.append).run() == good
        assert any(line.startswith("WRONG  ranks        layer 'between'") for line in lines) == (not good)


class Own(nn.Module):
    """Two linear layers, with something between them."""

    def __init__(self, between: nn.Module) -> None:
        self.first, self.between, self.head = nn.Linear(FEATURES, 10), between, nn.Linear(10, CLASSES)

    def forward(self, x: Any) -> Any:
        return self.head(self.between(self.first(x)))


class OwnRandomness(nn.Module):
    def forward(self, x: Any) -> Any:
        return x + np.random.default_rng().standard_normal(x.shape)


class OwnRandomnessInTraining(OwnRandomness):
    def forward(self, x: Any) -> Any:
        return super().forward(x) if self.run.training else x


class OwnStatistics(nn.Module):
    def forward(self, x: Any) -> Any:
        return x - dnp.mean(x, axis=0) if self.run.training else x


class StatisticsInEvaluation(nn.Module):
    def forward(self, x: Any) -> Any:
        return x - dnp.mean(x, axis=0)


class OfItsRank(nn.Module):
    def forward(self, x: Any) -> Any:
        comm = ops.communicator()
        return x * (1.0 if comm is None else 1.0 + comm.rank)


@pytest.mark.parametrize("backend", ["local", "threads:2"])
@pytest.mark.parametrize(
    ("between", "says"),
    [
        (OwnRandomness, "gives other numbers when it is run again in evaluation"),
        (OwnRandomnessInTraining, "gives other numbers when it is run again in training"),
        (OwnStatistics, "differs in training: on"),
        (StatisticsInEvaluation, "differs in evaluation: on"),
        (OfItsRank, "differs in evaluation: on"),
    ],
)
def test_the_first_layer_that_differs_is_named(between: type[nn.Module], says: str, backend: str) -> None:
    found = checked(lambda c: make_task(Own(between())), config(), backend)
    assert f"WRONG  ranks        layer 'between' ({between.__name__}) {says}" in found["ranks"]
    assert ("layer 'first' (Linear) is the last that agrees" in found["ranks"]) == ("differs" in says)


def test_batch_norm_that_is_not_synchronised_is_named() -> None:
    found = checked(lambda c: make_task(Net(sync=False)), config())
    assert "layer 'norm' (BatchNorm) differs in training: on 3 ranks" in found["ranks"]


def test_a_loss_that_depends_on_the_batch_is_named() -> None:
    def centred(model: nn.Module, x: Any, y: Any) -> Any:
        losses, metrics = loss(model, x, y)
        return losses - dnp.mean(losses), metrics

    task = make_task()
    found = checked(lambda c: Task(task.model, centred, task.train, task.valid), config())
    assert "WRONG  ranks        the loss differs in evaluation" in found["ranks"]


def test_batch_norm_of_very_different_samples_is_no_false_alarm() -> None:
    """What would make the comparison cry wolf: sums in another order, of numbers of very different size."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((SAMPLES, FEATURES)) * 10.0 ** rng.integers(-3, 4, (SAMPLES, 1))
    y = rng.integers(0, CLASSES, SAMPLES)
    found = checked(lambda c: Task(Net(), loss, (x, y)), config())
    assert found["ranks"].startswith("ok")


class Reading:
    """A data set that does something to each sample that it reads."""

    def __init__(self, change: Callable[[Any], Any]) -> None:
        self.x = np.arange(SAMPLES * FEATURES, dtype=float).reshape(SAMPLES, FEATURES) / 100
        self.y, self.change = np.arange(SAMPLES) % CLASSES, change

    def __len__(self) -> int:
        return SAMPLES

    def fingerprint(self) -> str:
        return "the same, it says"

    def batch(self, indices: Any) -> tuple[Any, ...]:
        return self.change(self.x[indices]), self.y[indices]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda x: x + np.random.default_rng().standard_normal(x.shape), "differs from one reading to the next"),
        (lambda x: x - x.mean(axis=0), "depends on which others are read with it"),
        (lambda x: x + (threading.current_thread().name == "rank 2"), "on rank 2 is another than on rank 0"),
    ],
)
def test_data_that_are_not_the_same_are_named(change: Callable[[Any], Any], says: str) -> None:
    found = checked(lambda c: Task(Net(), loss, Reading(change)), config())
    assert found["data"].startswith("WRONG  data         training sample ")
    assert says in found["data"]


def test_what_a_checkpoint_lacks_is_noticed() -> None:
    """A model whose arithmetic depends on how often it has run in this process."""

    class Counting(nn.Module):
        def __init__(self) -> None:
            self.linear = nn.Linear(FEATURES, CLASSES)
            self.count = [0]  # shared by all bound copies

        def forward(self, x: Any) -> Any:
            self.count[0] += self.run.training
            return self.linear(x) * (1 + self.count[0] * 1e-3)

    found = checked(lambda c: make_task(Counting()), config())
    assert found["resume"].startswith("WRONG  resume       after ")
    assert "has other parameters than one that was not" in found["resume"]


@pytest.mark.parametrize(
    ("build", "name", "says"),
    [
        (lambda c: None, "options", "returned nothing where a Task is wanted"),
        (lambda c: make_task(nn.Linear(FEATURES + 1, CLASSES)), "layers", "linear: x has 6 columns"),
        (lambda c: Task(Net(), lambda model, x: 1 / 0, (np.ones((9, 6)),)), "layers", "ZeroDivisionError"),
        (lambda c: make_task(Own(nn.Identity())), "step", "loss is nan"),
    ],
)
def test_what_fails_is_one_line_and_ends_what_needs_it(build: Build, name: str, says: str) -> None:
    settings = config()
    if name == "step":
        good, build = build, lambda c: _of_nans(good(c))
    found = checked(build, settings)
    assert found[name].startswith("WRONG")
    assert says in found[name]
    assert list(found)[-1] == name


def _of_nans(task: Task) -> Task:
    return Task(task.model, loss, (np.full((9, FEATURES), np.nan), np.zeros(9, int)))


def test_a_run_of_one_step_cannot_be_stopped_within() -> None:
    assert "not tried: the run has one step" in checked(lambda c: make_task(), config(steps=1))["resume"]


def test_times_are_in_words() -> None:
    assert [in_time(s) for s in (0.0005, 90, 130, 8000)] == ["0.5 ms", "90.0 s", "2 min", "2.2 h"]
