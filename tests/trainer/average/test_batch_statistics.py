"""Running statistics of an average: the means over all batches, for those weights, and nothing else is touched."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import data, nn
from ddtrain.comm import Communicator
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.trainer.average.batch_statistics import recompute_statistics
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.task import Task
from helpers import FEATURES, Net, Plain, loss, make_task, sgd_config
from worlds import World


class Counting(Net):
    """With a buffer that is no batch-norm's, and batch-norm within a list."""

    def __init__(self) -> None:
        super().__init__(dropout=0.0)
        self.inner = [nn.BatchNorm(FEATURES, momentum=0.3)]
        self.seen = nn.buffer((), nn.init.zeros, reduce="sum")

    def forward(self, x: Any) -> Any:
        self.update(seen=self.seen + len(x))
        return super().forward(self.inner[0](x))


def test_are_the_means_over_all_batches_of_the_first_epoch() -> None:
    task = make_task(Counting())
    train_step = build_step(LocalCommunicator(), task, sgd_config())
    store = train_step.store
    store.state_views["seen"][...] = 5
    store.state_views["inner.0.running_mean"][...] = np.nan  # what was there does not matter
    recompute_statistics(train_step, task)
    x = task.train.arrays[0]
    batches = [x[rows] for rows in data.batches(0, 0, len(x), 7)]
    np.testing.assert_allclose(
        store.state_views["inner.0.running_mean"], np.mean([b.mean(axis=0) for b in batches], axis=0), rtol=1e-12
    )
    np.testing.assert_allclose(
        store.state_views["inner.0.running_var"], np.mean([b.var(axis=0, ddof=1) for b in batches], axis=0), rtol=1e-12
    )
    assert store.state_views["inner.0.num_batches_tracked"] == store.state_views["norm.num_batches_tracked"] == 4
    assert store.state_views["seen"] == 5
    assert task.model.inner[0].momentum == 0.3


def test_without_batch_norm_there_is_nothing_to_do() -> None:
    task = make_task(Plain())
    broken = Task(task.model, lambda model, x, y: 1 / 0, task.train)
    recompute_statistics(build_step(LocalCommunicator(), broken, sgd_config()), broken)


@pytest.mark.parametrize("sync", [True, False])
@pytest.mark.parametrize("spec", ["threads:2", "threads:3"])
def test_ranks_are_one(sync: bool, spec: str) -> None:
    """To the bit with the same shards, also where batch-norm is by shard."""

    def body(comm: Communicator) -> dict[str, Any]:
        task = Task(Net(sync=sync), loss, make_task().train)
        config = sgd_config()
        train_step = build_step(comm, task, config.updated({"run": {"shards": 3}}))
        recompute_statistics(train_step, task)
        return {name: x.copy() for name, x in train_step.store.state_views.items()}

    alone = World("local").run(body)[0]
    for found in World(spec).run(body):
        assert all(found[name].tobytes() == alone[name].tobytes() for name in alone)


def test_a_layer_at_two_places_is_one() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            self.one = nn.BatchNorm(FEATURES)
            self.again = [self.one]
            self.head = nn.Linear(FEATURES, 4)

        def forward(self, x: Any) -> Any:
            return self.head(self.again[0](self.one(x)))

    task = Task(Twice(), loss, make_task().train)
    train_step = build_step(LocalCommunicator(), task, sgd_config())
    recompute_statistics(train_step, task)
    assert train_step.store.state_views["one.num_batches_tracked"] == 8, "two calls in each of 4 batches"
