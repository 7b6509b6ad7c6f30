"""Runs on some of the data: which samples they are, that ranks and stops change no bit, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain import fit
from ddtrain.data import ArrayData, Augmented, Streams
from ddtrain.errors import UsageError
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.task import Task
from ddtrain.trainer.tries.data_limits import limited
from helpers import SAMPLES, Net, Plain, loss, make_task, sgd_config


class Noting:
    """A data set that notes which samples are read."""

    def __init__(self, data: Any) -> None:
        self.data, self.read = data, set[int]()

    def __len__(self) -> int:
        return len(self.data)

    def fingerprint(self) -> str:
        return "the same"

    def batch(self, indices: Any) -> Any:
        self.read.update(np.asarray(indices).tolist())
        return self.data.batch(indices)


def noting() -> Task:
    task = make_task()
    assert task.valid is not None
    return Task(Net(), loss, Noting(task.train), Noting(task.valid))


def trained(task: Any, run: dict[str, Any], directory: Path, quiet: bool = True, **options: Any) -> Any:
    config = sgd_config().updated({"run": {"epochs": 3, **run}})
    return fit(task, config=config, quiet=quiet, dir=directory, **options)


def test_a_limited_run_reads_the_first_samples_alone(tmp_path: Path) -> None:
    task = noting()
    run = trained(task, {"limit": 9}, tmp_path / "run")
    assert (task.train.read, task.valid.read) == (set(range(9)), set(range(9)))  # type: ignore[attr-defined]
    assert run.history["loss"].size == 6  # three epochs of two batches: 7 samples, and 2


def test_overfitting_reads_batches_of_the_first_epoch_and_no_validation_data(tmp_path: Path) -> None:
    task, whole = noting(), noting()
    run = trained(task, {"overfit_batches": 2}, tmp_path / "few")
    trained(whole, {"steps": 2}, tmp_path / "whole", eval={"every": 0})
    assert task.train.read == whole.train.read  # type: ignore[attr-defined]
    assert len(task.train.read) == 14  # type: ignore[attr-defined]
    assert task.valid.read == set()  # type: ignore[attr-defined,union-attr]
    assert run.history["loss"].size == 6


def test_what_can_be_learnt_by_heart_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"overfit_batches": 1, "epochs": 300}
    run = trained(make_task(Plain()), options, tmp_path / "run", quiet=False, optim={"lr": 0.5})
    assert "by heart" not in "".join(capsys.readouterr())
    assert run.history["valid_loss"][-1] < 0.05 < run.history["valid_loss"][0]
    assert run.history["valid_accuracy"][-1] == 1


@pytest.mark.parametrize("backend", ["local", "threads:2"])
def test_what_is_not_learnt_by_heart_is_said_once(
    backend: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options: dict[str, Any] = {"optim": {"lr": 1e-6}, "backend": backend, "quiet": False}
    trained(lambda c: make_task(Plain()), {"overfit_batches": 1}, tmp_path / "few", **options)
    assert "".join(capsys.readouterr()).count("warning: the batches are not learned by heart: the loss went from") == 1
    trained(lambda c: make_task(Plain()), {}, tmp_path / "all", **options)
    assert "by heart" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("run", [{"limit": 9}, {"overfit_batches": 2}])
def test_ranks_and_stops_change_no_bit(run: dict[str, int], tmp_path: Path) -> None:
    run = {**run, "shards": 3}
    hashes = set()
    for backend in ("local", "threads:2", "threads:3"):
        straight = trained(lambda c: make_task(), run, tmp_path / backend, backend=backend)
        hashes.add(straight.summary["params_sha256"])
    trained(lambda c: make_task(), {**run, "steps": 3}, tmp_path / "resumed")
    resumed = trained(lambda c: make_task(), run, tmp_path / "resumed", resume="auto", backend="threads:2")
    assert hashes == {resumed.summary["params_sha256"]}


def test_a_run_is_not_resumed_on_other_samples(tmp_path: Path) -> None:
    trained(make_task(), {"limit": 9, "steps": 2}, tmp_path / "run")
    for run in ({}, {"limit": 8}, {"overfit_batches": 1}):
        with pytest.raises(UsageError, match="the training data is"):
            trained(make_task(), run, tmp_path / "run", resume="auto")


def test_more_than_there_is_leaves_all() -> None:
    task = make_task()
    for run in ({}, {"limit": SAMPLES}, {"limit": 1000}):
        few = limited(task, Config().updated({"run": run}))
        assert few.train is task.train
        assert few.valid is task.valid
    assert len(limited(task, sgd_config().updated({"run": {"overfit_batches": 99}})).train) == SAMPLES


def test_augmented_data_stays_augmented_and_without_validation_there_is_none() -> None:
    images = Augmented(ArrayData(np.zeros((9, 2, 2, 1))), "flip")
    few = limited(Task(Net(), loss, images), Config().updated({"run": {"limit": 4}}))
    assert isinstance(few.train, Augmented)
    assert (len(few.train), few.valid) == (4, None)


def test_each_of_several_validation_sets_is_limited_and_keeps_its_name() -> None:
    task = make_task(Plain())
    assert task.valid is not None
    both: Any = {"near": task.valid, "far": task.train}
    few = limited(replace(task, valid=both), Config().updated({"run": {"limit": 5}}))
    assert {name: len(each) for name, each in few.valid_sets.items()} == {"near": 5, "far": 5}
    assert few.valid is few.valid_sets["near"]


def test_what_has_an_order_of_its_own_is_refused() -> None:
    streams = Streams(ArrayData(np.zeros((9, 2))), 3)
    with pytest.raises(UsageError, match=r"--run.limit: Subset: of Streams"):
        limited(Task(Net(), loss, streams), Config().updated({"run": {"limit": 4}}))


def test_both_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"run={'limit': 3} with run={'overfit_batches': 1}"):
        trained(make_task(), {"limit": 3, "overfit_batches": 1}, tmp_path)
    with pytest.raises(UsageError, match=r"run={'limit': -1} is out of range"):
        trained(make_task(), {"limit": -1}, tmp_path)
