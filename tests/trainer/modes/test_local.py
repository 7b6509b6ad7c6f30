"""Local SGD, on nodes of one rank and of several: the norm that all clip by, and the running statistics of nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import data, nn, value_and_grad
from ddtrain.trainer.config import Comm
from ddtrain.trainer.control import StepControl
from ddtrain.trainer.modes import make_mode
from ddtrain.trainer.modes.sync import Sync
from ddtrain.trainer.replica import build_step
from ddtrain.trainer.task import Task
from helpers import FEATURES, Plain, loss, make_task, sgd_config
from worlds import World

ROWS = np.arange(7)
GO = StepControl(lr=0.1, scale=1.0, grad_norm=1.0)


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


class Normed(nn.Module):
    """Each rank's batch-norm is its own."""

    def __init__(self) -> None:
        self.norm = nn.BatchNorm(FEATURES, sync=False)
        self.head = nn.Linear(FEATURES, 4)

    def forward(self, x: Any) -> Any:
        return self.head(self.norm(x))


@pytest.mark.parametrize("spec", ["threads:3", "nodes:0011"])
def test_running_statistics_are_their_mean_from_a_meeting_on_and_shown_as_such_before(spec: str) -> None:
    def body(comm: Any) -> tuple[list[Any], ...]:
        mode = local(comm, make_task(Normed()), every=3)
        state, own, shown, after = mode.step_of.store.state, [], [], []
        for step in range(4):
            mode.gradients(step, np.arange(23))
            mode.apply(GO)
            own.append(state.copy())
            with mode.shown():
                shown.append(state.copy())
            after.append(state.copy())
        return own, shown, after

    found = World(spec).run(body)
    for own, _, after in found:
        np.testing.assert_array_equal(own, after, "to show them changes nothing")
    own, shown = ([list(states) for states in zip(*(ranks[k] for ranks in found))] for k in (0, 1))
    for step in range(4):
        apart = max(float(np.abs(mine - own[step][0]).max()) for mine in own[step])
        assert (apart == 0) == (step == 2), "equal after the third step, and after no other"
        for mine in shown[step]:
            np.testing.assert_allclose(mine, np.mean(own[step], axis=0), rtol=1e-14)


def test_a_meeting_takes_the_mean_of_running_statistics_not_those_of_one() -> None:
    """One worker's statistics after a step are momentum times its samples' mean: their mean is known."""
    task, momentum = make_task(Normed()), 0.1

    def body(comm: Any) -> Any:
        mode = local(comm, task, every=1)
        mode.gradients(0, np.arange(23))
        mode.apply(GO)
        return mode.step_of.store.tensors["norm.running_mean"].copy()

    x = task.train.batch(np.arange(23))[0]
    means = [x[slice(*data.shard_bounds(23, rank, 3))].mean(axis=0) for rank in range(3)]
    for found in World("threads:3").run(body):
        np.testing.assert_allclose(found, momentum * np.mean(means, axis=0), rtol=1e-13)
