"""Planned steps have the bits of traced ones, for every layer, loss and augmentation, in Python and in C."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diary import Diary
from equivalence import test_layers, test_losses

from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.ops.losses import Loss
from ddtrain.trainer.config.config import Plan, Run
from ddtrain.trainer.loop import Trainer
from ddtrain.trainer.step.shard_passes import ShardPasses
from ddtrain.trainer.task import Task
from helpers import sgd_config

STEPS = 12  # three epochs of 7, 7, 7 and 2 samples: each kind of batch is traced, recorded twice, and repeated
EAGER = {  # layers that ask for values of arrays, and what the line says of them
    "BatchNorm, cumulative": "float",
}


def run(comm: Any, task: Task, plan: Plan, steps: int = STEPS, **sections: Any) -> tuple[dict[str, Any], ShardPasses]:
    """All numbers after some steps, and what made the passes."""
    settings = {"run": Run(dtype="float32", epochs=1000), **sections}
    trainer = Trainer(comm, sgd_config(plan=plan, **settings), task)
    diary: Any = Diary(comm, Path())
    trainer.records = diary
    norms = [trainer.take_step().grad_norm for _ in range(steps)]
    found = {name: x.copy() for name, x in trainer.store.tensors.items()}
    return {**found, "norms": np.array(norms)}, trainer.train_step.passes


def check(task: Task, **sections: Any) -> list[ShardPasses]:
    """Plans in C and in Python end with the bits of traced steps; returns what made the passes."""
    local = LocalCommunicator()
    expected, _ = run(local, task, Plan(enabled=False), **sections)
    made = []
    for backend in ("c", "python"):
        found, passes = run(local, task, Plan(backend=backend, verify_steps=1), **sections)  # type: ignore[arg-type]
        assert {name for name in expected if found[name].tobytes() != expected[name].tobytes()} == set()
        made.append(passes)
    return made


@pytest.mark.parametrize("name", test_layers.LAYERS)
def test_every_layer(name: str) -> None:
    kind, make = test_layers.LAYERS[name]
    for passes in check(test_layers.task_of(kind, make())):
        assert EAGER.get(name, "none") in (passes.refused or "none")
        assert passes.refused or len(passes.programs()) == 2  # batches of 7 and of 2


@pytest.mark.parametrize("name", test_losses.LOSSES)
def test_every_loss(name: str) -> None:
    options, targets = test_losses.TARGETS[name]
    check(test_losses.task_of(Loss(name=name, **options), targets, test_losses.INPUTS.get(name, 1)))
