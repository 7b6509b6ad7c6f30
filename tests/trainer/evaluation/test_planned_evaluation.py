"""Evaluations by plans have the bits of those without, whatever the layer, the ranks and the backend.

What would make these fail: values that a plan remembers from when it was recorded, results that the next batch
overwrites, metrics whose names nobody reads once there is a plan, a loss whose own count of calls stands still.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diary import Diary
from equivalence import test_layers

from ddtrain import data, ops
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.trainer.config.config import Plan, Run
from ddtrain.trainer.evaluation import evaluate
from ddtrain.trainer.evaluation.evaluate import Evaluated
from ddtrain.trainer.loop import Trainer
from ddtrain.trainer.step.passes import ShardPasses
from ddtrain.trainer.step.setup import build_step, make_passes
from ddtrain.trainer.task import Task
from helpers import Plain, make_task, sgd_config
from worlds import World

TIMES = 6  # every kind of batch is eager, recorded twice, repeated in Python or in C
C, PYTHON, EAGERLY = Plan(compile_after=0, verify_steps=1), Plan(backend="python", verify_steps=1), Plan(enabled=False)


def evaluated(comm: Any, task: Task, plan: Plan, shards: int = 0) -> tuple[list[Evaluated], ShardPasses]:
    """Several evaluations, each with other values than the one before."""
    config = sgd_config(run=Run(dtype="float32", epochs=1, shards=shards), plan=plan)
    step = build_step(comm, task, config)
    passes, found = make_passes(task, step.store, config, step.node), []
    for _ in range(TIMES):
        found.append(evaluate.evaluate(task, step.store, comm, step.shards, samples=3, passes=passes))
        comm.barrier()
        if step.node.rank == 0:
            step.store.values[...] *= np.float32(0.9)
        comm.barrier()
    return found, passes


def assert_same(found: list[Evaluated], expected: list[Evaluated]) -> None:
    for mine, eager in zip(found, expected, strict=True):
        assert mine.figures == eager.figures
        assert mine.samples == eager.samples
        assert as_text(mine.arrays) == as_text(eager.arrays)


def as_text(arrays: Any) -> str:
    """All that a report has, every digit of it."""
    return json.dumps(arrays, default=lambda x: x.tolist())


@pytest.mark.parametrize("name", test_layers.LAYERS)
def test_every_layer(name: str) -> None:
    kind, make = test_layers.LAYERS[name]
    task = test_layers.task_of(kind, make())
    expected, _ = evaluated(LocalCommunicator(), task, EAGERLY)
    assert len({str(each.figures) for each in expected}) > 1
    for plan in (C, PYTHON):
        found, passes = evaluated(LocalCommunicator(), task, plan)
        assert_same(found, expected)
        assert passes.refused == ""
        assert len(passes.programs()) == 1


@pytest.mark.parametrize("shards", [0, 5])
@pytest.mark.parametrize("spec", ["local", "threads:2", "threads:3", "nodes:001"])
def test_ranks_sets_and_reports(spec: str, shards: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Short and empty last batches, two validation sets, and all samples gathered for a report."""
    monkeypatch.setattr(evaluate, "ROWS", 3)
    full = make_task(Plain(), samples=40, dtype=np.float32)
    near, far = (data.ArrayData(*full.train.batch(np.arange(size))) for size in (40, 13))
    task = Task(
        full.model,
        full.loss,
        full.train,
        {"near": near, "far": far},
        report={"scores": lambda outputs, targets: np.asarray(outputs)},
        outputs=lambda model, x, y: (model(x), y),
    )
    eager, planned = (
        World(spec).run(lambda comm, plan=plan: evaluated(comm, task, plan, shards)) for plan in (EAGERLY, C)
    )
    for (found, passes), (expected, _) in zip(planned, eager, strict=True):
        assert_same(found, expected)
        assert passes.refused == ""
        assert passes.programs()


def counting(kept: list[int]) -> Any:
    """A loss that counts its evaluations, and returns the count as a metric."""

    def loss(model: Any, x: Any, y: Any) -> Any:
        if not model.run.training:
            kept.append(1)
        return ops.cross_entropy(model(x), y), {"calls": np.full(len(x), float(len(kept)))}

    return loss


def test_a_loss_that_keeps_something_in_evaluations_alone() -> None:
    """Its evaluations have no plan, and the line says so; its steps have one."""
    full = make_task(Plain(), dtype=np.float32)
    seen = {}
    for plan in (EAGERLY, PYTHON):
        task = Task(full.model, counting([]), full.train, full.valid)
        trainer = Trainer(LocalCommunicator(), sgd_config(run=Run(dtype="float32", epochs=5), plan=plan), task)
        diary: Any = Diary(trainer.comm, Path())
        trainer.records = diary
        trainer.run()
        seen[plan.enabled] = [figures["valid_calls"] for figures in diary.figures]
    assert seen[True] == seen[False]
    assert len(set(seen[True])) == 5
    assert [line.partition(", because")[0] for line in diary.warnings] == ["evaluations run without a plan"]
    assert trainer.train_step.passes.programs()


def test_one_reason_is_told_once() -> None:
    """What neither steps nor evaluations can be planned for is said of the steps."""

    def asks(model: Any, x: Any, y: Any) -> Any:
        losses = ops.cross_entropy(model(x), y)
        return losses if losses[0] > -1 else 2 * losses

    full = make_task(Plain(), dtype=np.float32)
    task = Task(full.model, asks, full.train, full.valid)
    trainer = Trainer(LocalCommunicator(), sgd_config(run=Run(dtype="float32", epochs=5)), task)
    diary: Any = Diary(trainer.comm, Path())
    trainer.records = diary
    trainer.run()
    assert trainer.evaluation_passes.refused
    assert [line.partition(", because")[0] for line in diary.warnings] == ["steps run without a plan"]
