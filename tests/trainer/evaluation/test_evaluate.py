"""Evaluation: every validation sample once, at any number of ranks, by one model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import data
from ddtrain.comm import Communicator
from ddtrain.trainer.config.config import Run
from ddtrain.trainer.evaluation import evaluate
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.task import Task
from helpers import Net, loss, make_task, sgd_config
from worlds import World

EVERYWHERE = ["local", "threads:2", "threads:3", "nodes:0011"]


def evaluated(comm: Communicator, samples: int, shards: int = 0) -> dict[str, float]:
    """Of the first ``samples`` of the training data."""
    full = make_task(Net(), samples=40)
    valid = data.ArrayData(*full.train.batch(np.arange(samples)))
    task = Task(full.model, full.loss, full.train, valid)
    train_step = build_step(comm, task, sgd_config(run=Run(dtype="float64", epochs=1, shards=shards)))
    return evaluate.evaluate(task, train_step.store, comm, train_step.shards).figures


@pytest.mark.parametrize("spec", EVERYWHERE)
@pytest.mark.parametrize("samples", [1, 2, 12, 13, 40])
def test_the_means_are_over_every_sample_once(spec: str, samples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "ROWS", 3)  # so that a rank has several batches, and a short or empty last one
    task = make_task(Net(), samples=40)
    model = task.model.bind(task.model.init(0, "float64"))
    losses, metrics = loss(model, *task.train.batch(np.arange(samples)))
    for found in World(spec).run(lambda comm: evaluated(comm, samples)):
        assert found["loss"] == pytest.approx(losses.mean(), rel=1e-13)  # at most 40 additions
        assert found["accuracy"] == pytest.approx(metrics["accuracy"].mean(), rel=1e-13)


@pytest.mark.parametrize("spec", EVERYWHERE)
def test_of_shards_the_figures_are_the_same_to_the_bit(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "ROWS", 3)
    alone = World("local").run(lambda comm: evaluated(comm, 40, shards=5))[0]
    assert World(spec).run(lambda comm: evaluated(comm, 40, shards=5)) == [alone] * World(spec).size


def test_figures_made_of_the_means_come_beside_them() -> None:
    task: Any = make_task(Net())
    task = Task(task.model, task.loss, task.train, task.valid, derived={"twice": lambda means: 2 * means["loss"]})

    def body(comm: Communicator) -> dict[str, float]:
        train_step = build_step(comm, task, sgd_config())
        return evaluate.evaluate(task, train_step.store, comm, train_step.shards).figures

    for found in World("threads:2").run(body):
        assert found["twice"] == 2 * found["loss"]
