"""Local SGD, on nodes of one rank and of several: the norm that all clip by."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import data, value_and_grad
from ddtrain.trainer.config.config import Comm
from ddtrain.trainer.modes import make_mode
from ddtrain.trainer.modes.sync import Sync
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.task import Task
from helpers import Plain, loss, make_task, sgd_config
from worlds import World

ROWS = np.arange(7)


def local(comm: Any, task: Task, every: int) -> Sync:
    config = sgd_config(comm=Comm(mode="local", sync_every=every))
    return make_mode(build_step(comm, task, config), config.comm)


@pytest.mark.parametrize(
    ("spec", "workers"),
    [
        ("threads:3", [[0], [1], [2]]),
        ("nodes:0011", [[0, 1], [2, 3]]),
        ("nodes:000111", [[0, 1, 2], [3, 4, 5]]),
        ("nodes:00112", [[0, 1], [2, 3], [4]]),
    ],
)
def test_the_norm_is_the_root_of_the_mean_of_the_workers_squares(spec: str, workers: list[list[int]]) -> None:
    """Of each worker the gradient is that of its samples' losses, times the number of workers (Note [Worker])."""

    def body(comm: Any) -> float:
        mode = local(comm, make_task(Plain()), every=4)
        mode.gradients(0, ROWS)
        return mode.square_norm()

    task, ranks = make_task(Plain()), sum(map(len, workers))
    squares = []
    for worker in workers:
        rows = np.concatenate([ROWS[slice(*data.shard_bounds(len(ROWS), rank, ranks))] for rank in worker])

        def mean_loss(values: Any, rows: Any = rows) -> Any:
            losses, _ = loss(task.model.bind(values, training=True), *task.train.batch(rows))
            return losses.sum() * (len(workers) / len(ROWS))

        _, g = value_and_grad(mean_loss)(task.model.init(0, "float64"))
        squares.append(sum(float((x**2).sum()) for x in g.values()))
    for found in World(spec).run(body):
        assert found == pytest.approx(np.mean(squares), rel=1e-13)  # some hundred additions of 1e-16 each
