"""Data of another precision than the run: as if it had been of the run's, in training, evaluation and checks.

What would make these fail: float32 batches that layers compute on in float32 while the run promises float64, or float64
ones that make a float32 run compute in float64, with other bits and twice the time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import models, nn, ops
from ddtrain.comm import Communicator
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.diagnose import check_gradients
from ddtrain.trainer.config.config import Run
from ddtrain.trainer.evaluation.evaluate import evaluate
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.task import Task
from helpers import sgd_config
from worlds import World

R = np.random.default_rng(0)
IMAGES, LABELS = R.standard_normal((10, 6, 6, 2)).astype(np.float32), R.integers(0, 3, 10)


class Normed(nn.Module):
    """Every kind of layer that has kernels of its own, and data that reaches the loss without one."""

    def __init__(self) -> None:
        self.first, self.cnn = nn.LayerNorm(2), models.Cnn((6, 6, 2), (3, 2), 3)

    def forward(self, x: Any) -> Any:
        return self.cnn(self.first(x))


def loss(model: Any, x: dict[str, Any], y: Any) -> tuple[Any, dict[str, Any]]:
    scores = model(x["image"])
    return ops.cross_entropy(scores, y) + x["image"][:, 0, 0, 0] ** 2, {
        "itemsize": np.full(len(y), scores.dtype.itemsize)
    }


class Rows:
    """A batch of a dict and an array."""

    def __init__(self, x: Any, y: Any) -> None:
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.y)

    def batch(self, indices: Any) -> tuple[Any, ...]:
        return {"image": self.x[indices]}, self.y[indices]


def step_and_evaluation(comm: Communicator, x: Any, run: Any) -> tuple[bytes, bytes, dict[str, float]]:
    """Gradients and running statistics of a step, and what an evaluation finds after it."""
    task = Task(Normed(), loss, Rows(x, LABELS), Rows(x, LABELS))
    train_step = build_step(comm, task, sgd_config(run=Run(dtype=run, epochs=9)))
    train_step.gradients(0, np.arange(10))
    train_step.store_buffers()
    found = evaluate(task, train_step.store, comm, train_step.shards).figures
    return train_step.store.grads.tobytes(), train_step.store.state.tobytes(), found


@pytest.mark.parametrize("given", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("run", ["float32", "float64"])
@pytest.mark.parametrize("spec", ["local", "threads:2"])
def test_the_bits_are_those_of_data_in_the_runs_dtype(spec: str, run: str, given: Any) -> None:
    x = IMAGES.astype(np.float16).astype(given)  # what all three can hold
    found, wanted = (World(spec).run(lambda comm, x=x: step_and_evaluation(comm, x, run)) for x in (x, x.astype(run)))
    assert found == wanted
    assert found[0][2]["itemsize"] == np.dtype(run).itemsize


def test_gradients_are_checked_in_float64_whatever_the_data() -> None:
    task = Task(Normed(), loss, Rows(IMAGES, LABELS))
    train_step = build_step(LocalCommunicator(), task, sgd_config(dtype="float32"))
    assert check_gradients(train_step, 0, np.arange(6)).weights  # an error, had it been computed in float32
