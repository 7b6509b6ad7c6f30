"""Statistics of the population: the means over all batches for the final weights, beside what a run goes on with."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diary import Diary

from ddtrain import data, nn
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import UsageError
from ddtrain.optim.averages import AVERAGE, Ema, Swa
from ddtrain.trainer.average.population import exported_statistics, population_statistics
from ddtrain.trainer.checkpoint import Snapshot, latest, save_run
from ddtrain.trainer.config.config import Checkpoint, Config, Data, Norm, Optim, Run
from ddtrain.trainer.evaluation.trained_values import TrainedValues
from ddtrain.trainer.loop import Trainer
from ddtrain.trainer.main import Recipe, run
from ddtrain.trainer.records.metrics import read
from ddtrain.trainer.stop_signals import StopFile
from ddtrain.trainer.task import Task
from helpers import FEATURES, Net, Plain, loss, make_task

OPTIM = Optim(name="adamw", lr=0.01)
CONFIG = Config(run=Run(epochs=6, dtype="float64"), checkpoint=Checkpoint(5), data=Data(batch_size=7), optim=OPTIM)
POPULATION = ("--norm.statistics", "population")
MEAN, VAR, COUNT = "norm.running_mean", "norm.running_var", "norm.num_batches_tracked"


def unseen(config: Config) -> Task:
    """Without validation data."""
    return dataclasses.replace(make_task(Net(), config.run.dtype), valid=None)


RECIPES = {
    "net": Recipe(CONFIG, lambda config: make_task(Net(), config.run.dtype), "a tiny net"),
    "blind": Recipe(CONFIG, unseen, "the same without validation data"),
    "plain": Recipe(CONFIG, lambda config: make_task(Plain(), config.run.dtype), "a net without batch-norm"),
}


def launch(directory: Path, *options: str, recipe: str = "net", backend: str = "local") -> int:
    return run([recipe, "--run.dir", str(directory), "--comm.backend", backend, *options], RECIPES)


def last(directory: Path) -> Snapshot:
    found = latest(directory)
    assert found is not None
    return found.snapshot


def summary(directory: Path) -> Any:
    return json.loads((directory / "summary.json").read_text())


def evaluations(directory: Path) -> list[dict[str, Any]]:
    return [line for line in read(directory / "metrics.jsonl") if "valid_loss" in line]


def by_hand(weight: Any, bias: Any) -> tuple[Any, Any]:
    """The means, over all batches, of the batches' means and unbiased variances before batch-norm."""
    x = make_task().train.arrays[0]
    batches = [x[rows] @ weight + bias for rows in data.batches(0, 0, len(x), 7)]
    return np.mean([b.mean(axis=0) for b in batches], axis=0), np.mean([b.var(axis=0, ddof=1) for b in batches], axis=0)


def test_are_the_means_over_all_batches_for_the_final_weights(tmp_path: Path) -> None:
    assert launch(tmp_path, *POPULATION) == 0
    saved = last(tmp_path)
    mean, variance = by_hand(saved.model["first.weight"].T, saved.model["first.bias"])
    # sums of 4 numbers, in another order
    np.testing.assert_allclose(saved.population[MEAN], mean, rtol=1e-12)
    np.testing.assert_allclose(saved.population[VAR], variance, rtol=1e-12)
    assert saved.population[COUNT] == 4
    assert saved.population.keys() == {MEAN, VAR, COUNT}
    assert np.abs(saved.model[MEAN] - mean).max() > 1e-3, "the moving ones are others"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_else_changes(tmp_path: Path, dtype: str) -> None:
    """Parameters, moving statistics and the optimizer's state are those of a run without the option, and hashes."""
    assert launch(tmp_path / "moving", "--run.dtype", dtype) == 0
    assert launch(tmp_path / "population", "--run.dtype", dtype, *POPULATION) == 0
    paths = [sorted((tmp_path / name / "checkpoints").iterdir())[-1] for name in ("moving", "population")]
    for file in ("model.safetensors", "optim.safetensors"):
        assert (paths[0] / file).read_bytes() == (paths[1] / file).read_bytes()
    assert not (paths[0] / "population.safetensors").exists()
    moving, population = summary(tmp_path / "moving"), summary(tmp_path / "population")
    for name in ("params_sha256", "model_sha256", "steps"):
        assert moving[name] == population[name]
    assert moving["valid_loss"] != population["valid_loss"]


def test_figures_are_in_the_log_beside_the_moving_ones_and_in_summary_and_checkpoint(tmp_path: Path) -> None:
    assert launch(tmp_path, *POPULATION) == 0
    moving, population = evaluations(tmp_path)[-2:]
    assert (moving["step"], population["step"]) == (24, 24)
    assert "statistics" not in moving
    assert population["statistics"] == "population"
    assert moving["valid_loss"] != population["valid_loss"] == summary(tmp_path)["valid_loss"]
    assert last(tmp_path).metrics["valid_loss"] == population["valid_loss"]


def test_the_log_is_that_of_a_run_without_but_for_one_line(tmp_path: Path) -> None:
    assert launch(tmp_path / "moving") == 0
    assert launch(tmp_path / "population", *POPULATION) == 0
    assert evaluations(tmp_path / "population")[:-1] == evaluations(tmp_path / "moving")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("backend", ["threads:2", "threads:3", "nodes:001"])
def test_ranks_change_no_bit_with_shards(tmp_path: Path, dtype: str, backend: str) -> None:
    options = (*POPULATION, "--run.shards", "3", "--run.dtype", dtype)
    assert launch(tmp_path / "one", *options) == launch(tmp_path / "more", *options, backend=backend) == 0
    one, more = last(tmp_path / "one"), last(tmp_path / "more")
    assert all(one.population[name].tobytes() == more.population[name].tobytes() for name in (MEAN, VAR, COUNT))
    assert summary(tmp_path / "one")["valid_loss"] == summary(tmp_path / "more")["valid_loss"]


@pytest.mark.parametrize("backend", ["threads:2", "threads:3"])
def test_without_shards_ranks_agree_to_rounding(tmp_path: Path, backend: str) -> None:
    """To 1e-12 after the first 20 steps, as all of a run in float64; SGD, as Adam divides by small numbers."""
    options = (*POPULATION, "--run.epochs", "5", "--optim.name", "sgd", "--optim.lr", "0.05", "--clip.norm", "1")
    assert launch(tmp_path / "one", *options) == launch(tmp_path / "more", *options, backend=backend) == 0
    one, more = last(tmp_path / "one"), last(tmp_path / "more")
    assert max(np.abs(one.population[name] - more.population[name]).max() for name in (MEAN, VAR)) < 1e-12
    assert abs(one.metrics["valid_loss"] - more.metrics["valid_loss"]) < 1e-12


@pytest.mark.mpi
def test_mpi_gives_the_bits_of_one_rank(comm: Any) -> None:
    def found(comm: Any) -> dict[str, Any]:
        config = dataclasses.replace(CONFIG, run=Run(dtype="float64", epochs=2, shards=4), norm=Norm("population"))
        trainer = Trainer(comm, config, make_task(Net()))
        diary: Any = Diary(comm, Path())
        trainer.records = diary
        for _ in range(8):
            trainer.take_step()
        with population_statistics(trainer.train_step, trainer.task) as statistics:
            return dict(statistics)

    ours, alone = found(comm), found(LocalCommunicator())
    assert all(ours[name].tobytes() == alone[name].tobytes() for name in alone)


# -- ends, stops and resumes ----------------------------------------------------------------------------------------

OPTIONS = [
    (),
    ("--average.name", "ema", "--average.decay", "0.9", "--average.evaluate"),
    ("--average.name", "swa", "--average.start", "0.3", "--average.evaluate"),
    ("--comm.mode", "local", "--comm.sync-every", "3"),
    ("--comm.mode", "stale"),
    ("--comm.sharded-optimizer",),
]


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_stopped_anywhere_and_resumed(tmp_path: Path, options: tuple[str, ...]) -> None:
    """Also where earlier ends left statistics of their own; the moving ones have the bits of a run that never did."""
    options = (*options, *POPULATION)
    assert launch(tmp_path / "straight", *options, backend="threads:2") == 0
    for stop in ("1", "6", "13", "24"):
        again = ("--run.steps", stop, "--run.resume", "auto")
        assert launch(tmp_path / "cut", *options, *again, backend="threads:2") == 0
    straight, cut = last(tmp_path / "straight"), last(tmp_path / "cut")
    for part in ("model", "optim", "population"):
        ours, theirs = getattr(straight, part), getattr(cut, part)
        assert ours.keys() == theirs.keys() != set()
        assert all(ours[name].tobytes() == theirs[name].tobytes() for name in ours), part
    assert straight.metrics == cut.metrics


def test_only_the_last_checkpoint_of_a_run_has_them(tmp_path: Path) -> None:
    assert launch(tmp_path, *POPULATION, "--checkpoint.keep", "9") == 0
    having = [path.name for path in (tmp_path / "checkpoints").iterdir() if (path / "population.safetensors").exists()]
    assert having == ["step-00000024"]
    assert launch(tmp_path, "--run.epochs", "7", "--run.resume", "auto", "--checkpoint.keep", "9") == 0
    having = [path.name for path in (tmp_path / "checkpoints").iterdir() if (path / "population.safetensors").exists()]
    assert sorted(having) == ["step-00000024", "step-00000028"]
    assert [line["step"] for line in evaluations(tmp_path) if "statistics" in line] == [24, 28]


def test_a_run_that_stops_to_be_resumed_has_none_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StopFile, "seen", lambda self: True)
    assert launch(tmp_path, *POPULATION) == 75
    assert not last(tmp_path).population
    monkeypatch.undo()
    assert launch(tmp_path, "--run.resume", "auto") == 0, "the option is the run's own"
    assert last(tmp_path).population.keys() == {MEAN, VAR, COUNT}


def test_a_run_out_of_patience_has_them(tmp_path: Path) -> None:
    assert launch(tmp_path, *POPULATION, "--optim.lr", "3.0", "--eval.patience", "1", "--run.epochs", "50") == 0
    saved = last(tmp_path)
    assert saved.step < 200
    assert saved.population.keys() == {MEAN, VAR, COUNT}


@pytest.mark.parametrize("given", [("net", "--eval.every", "0"), ("blind",)])
def test_they_are_saved_without_evaluations_too(tmp_path: Path, given: tuple[str, ...]) -> None:
    assert launch(tmp_path, *POPULATION, *given[1:], recipe=given[0]) == 0
    assert last(tmp_path).population.keys() == {MEAN, VAR, COUNT}
    assert evaluations(tmp_path) == []


def test_what_is_finished_is_not_done_again(tmp_path: Path) -> None:
    assert launch(tmp_path, *POPULATION) == 0
    files = [*tmp_path.rglob("*.safetensors"), tmp_path / "metrics.jsonl"]
    before = [(path, path.read_bytes()) for path in files]
    told = summary(tmp_path)["valid_loss"]
    assert launch(tmp_path, "--run.resume", "auto") == 0
    assert all(path.read_bytes() == whole for path, whole in before)
    assert summary(tmp_path)["valid_loss"] == told


def test_a_finished_run_gets_them_later(tmp_path: Path) -> None:
    assert launch(tmp_path / "later") == launch(tmp_path / "first", *POPULATION) == 0
    assert launch(tmp_path / "later", *POPULATION, "--run.resume", "auto") == 0
    first, later = last(tmp_path / "first"), last(tmp_path / "later")
    assert all(first.population[name].tobytes() == later.population[name].tobytes() for name in (MEAN, VAR, COUNT))
    assert summary(tmp_path / "first")["valid_loss"] == summary(tmp_path / "later")["valid_loss"]


def test_killed_before_they_are_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log has the evaluation, the checkpoint has not: it is made again, and stands in the log once."""
    assert launch(tmp_path / "straight", *POPULATION) == 0
    monkeypatch.setattr(save_run, "add_population", lambda *args: 1 / 0)
    assert launch(tmp_path / "cut", *POPULATION) == 70
    assert not last(tmp_path / "cut").population
    monkeypatch.undo()
    assert launch(tmp_path / "cut", "--run.resume", "auto") == 0
    assert last(tmp_path / "cut").population.keys() == {MEAN, VAR, COUNT}
    assert evaluations(tmp_path / "cut") == evaluations(tmp_path / "straight")


def test_a_checkpoint_behind_a_symbolic_link_stays_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert launch(tmp_path / "run") == 0
    (tmp_path / "link").symlink_to(tmp_path / "run")
    assert launch(tmp_path / "link", *POPULATION, "--run.resume", "auto") == 0
    assert "is behind a symbolic link, so that statistics of the population are not saved" in capsys.readouterr().out
    assert not last(tmp_path / "run").population


def test_values_that_are_not_finite_are_not_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exported = lambda model, tensors: {name: x * np.nan for name, x in exported_statistics(model, tensors).items()}
    monkeypatch.setattr("ddtrain.trainer.average.population.exported_statistics", exported)
    assert launch(tmp_path, *POPULATION) == 73
    assert not last(tmp_path).population


# -- which weights they are of, and who loads them -------------------------------------------------------------------


@pytest.mark.parametrize("average", [Ema(decay=0.8, evaluate=True), Swa(start=0.5, evaluate=True)])
def test_are_those_of_the_average_where_that_is_evaluated(tmp_path: Path, average: Any) -> None:
    name = ("--average.name", average.name, "--average.evaluate")
    assert launch(tmp_path, *POPULATION, *name) == 0
    saved = last(tmp_path)
    flat, sizes = saved.optim[AVERAGE], {"first.weight": FEATURES * 10, "first.bias": 10}
    weight, bias = flat[-sizes["first.weight"] :].reshape(FEATURES, 10), flat[-70:][:10]  # the first layer lies last
    mean, variance = by_hand(weight, bias)
    np.testing.assert_allclose(saved.population[MEAN], mean, rtol=1e-12)
    np.testing.assert_allclose(saved.population[VAR], variance, rtol=1e-12)


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_who_loads_the_model_gets_the_figures_of_the_summary(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert launch(tmp_path, *POPULATION, *options) == 0
    table: dict[str, Any] = {"norm": {"statistics": "population"}}
    if options and options[0] == "--average.name":
        table["average"] = {"name": options[1], "evaluate": True}
        table["average"] |= {"decay": 0.9} if options[1] == "ema" else {"start": 0.3}
    trained = TrainedValues(LocalCommunicator(), CONFIG.updated(table), make_task(Net()))
    figures = trained.figures(trained.task.model, trained.of(last(tmp_path)))
    assert figures["valid_loss"] == summary(tmp_path)["valid_loss"]


def test_a_layer_at_two_places_has_both_of_its_names(tmp_path: Path) -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            self.one = nn.BatchNorm(FEATURES)
            self.other = self.one
            self.head = nn.Linear(FEATURES, 4)

        def forward(self, x: Any) -> Any:
            return self.head(self.other(self.one(x)))

    model = Twice()
    names = {f"{place}.{name}" for place in ("one", "other") for name in ("running_mean", "running_var")}
    assert exported_statistics(model, model.init()).keys() >= names
    recipes = {"twice": Recipe(CONFIG, lambda config: Task(Twice(), loss, make_task().train, make_task().valid), "")}
    assert run(["twice", "--run.dir", str(tmp_path), *POPULATION], recipes) == 0
    saved = last(tmp_path).population
    np.testing.assert_array_equal(saved["one.running_mean"], saved["other.running_mean"])
    assert saved["one.num_batches_tracked"] == 8, "each of 4 batches was seen twice"


# -- models without --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [Plain(), nn.Sequential(nn.FrozenBatchNorm(FEATURES), nn.Linear(FEATURES, 4))])
def test_without_batch_norm_that_moves_it_is_refused(model: nn.Module) -> None:
    with pytest.raises(UsageError) as caught:
        Trainer(LocalCommunicator(), dataclasses.replace(CONFIG, norm=Norm("population")), make_task(model))
    assert caught.value.one_line == (
        "--norm.statistics population: the model has no nn.BatchNorm, whose statistics these would be: Leave it out."
    )


def test_that_is_one_line_before_the_first_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert launch(tmp_path, *POPULATION, recipe="plain", backend="threads:2") == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "metrics.jsonl").exists()
