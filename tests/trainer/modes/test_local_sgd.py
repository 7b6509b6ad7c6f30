"""Local SGD: sync where it meets in every step, the mean of runs that went apart, and the norm that all clip by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from mode_runs import STEPS, farthest, plain_config, take_steps

from ddtrain import data, value_and_grad
from ddtrain.trainer.config.config import Clip, Comm, Config
from ddtrain.trainer.modes import Sync, make_mode
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.task import Task
from helpers import Net, Plain, loss, make_task, sgd_config
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


@pytest.mark.parametrize("clip", [0.0, 0.1])
def test_local_that_meets_every_step_is_sync_with_plain_sgd(world: Any, clip: float) -> None:
    """With clipping, too, where a rank has all samples; the norm is that of the workers otherwise."""
    limits = Clip(norm=clip if world.size == 1 else 0.0)
    sync = world.run(lambda comm: take_steps(comm, replace(plain_config(), clip=limits)))[0]
    for got in world.run(lambda comm: take_steps(comm, replace(plain_config(mode="local", sync_every=1), clip=limits))):
        assert farthest(got, sync) < 1e-12


def test_local_that_meets_every_step_is_sync_with_synchronised_batch_norm(world: Any) -> None:
    net = lambda: Net(dropout=0.2)
    sync = world.run(lambda comm: take_steps(comm, plain_config(), net))[0]
    for got in world.run(lambda comm: take_steps(comm, plain_config(mode="local", sync_every=1), net)):
        assert farthest(got, sync) < 1e-12


def test_local_is_the_mean_of_runs_that_went_apart(world: Any) -> None:
    """Against a loop that knows nothing of modes: each worker alone, on its rows, with momentum, averaged every 4."""
    momentum = sgd_config(clip=Clip(norm=0.0))
    expected = by_hand(momentum, world.size, every=4)
    got = world.run(lambda comm: take_steps(comm, replace(momentum, comm=Comm(mode="local", sync_every=4))))
    for shown in got:
        assert farthest(shown, expected) < 1e-12
    sync = world.run(lambda comm: take_steps(comm, momentum))[0]
    assert world.size == 1 or farthest(sync, expected) > 1e-6, "workers did go apart"


def by_hand(config: Config, workers: int, every: int) -> list[dict[str, Any]]:
    """Momentum SGD with L2 decay on each worker, written out; averaged values and velocities."""
    from ddtrain import value_and_grad

    task = make_task(Plain())
    start = task.model.init(config.run.seed, "float64")
    x = [dict(start) for _ in range(workers)]
    v = [{name: np.zeros_like(value) for name, value in start.items()} for _ in range(workers)]
    mean = lambda trees: {name: sum(tree[name] for tree in trees) / workers for name in start}
    shown, size, of = [], config.data.batch_size, config.optim
    for step in range(STEPS):
        epoch, offset = data.position(step, len(task.train), size)
        rows = data.batches(config.run.seed, epoch, len(task.train), size)[offset]
        for worker in range(workers):
            first, last = data.shard_bounds(len(rows), worker, workers)
            batch = task.train.batch(rows[first:last])

            def loss(values: Any, batch: Any = batch, count: int = len(rows)) -> Any:
                losses, _ = task.loss(task.model.bind(values, training=True), *batch)
                return losses.sum() * (workers / count)

            _, g = value_and_grad(loss)(x[worker])
            for name in start:
                v[worker][name] = of.momentum * v[worker][name] + g[name] + of.weight_decay * x[worker][name]
                x[worker][name] = x[worker][name] - of.lr * v[worker][name]
        if (step + 1) % every == 0:
            x, v = [mean(x)] * workers, [mean(v)] * workers
            x, v = [dict(tree) for tree in x], [dict(tree) for tree in v]
        shown.append(mean(x))
    return shown
