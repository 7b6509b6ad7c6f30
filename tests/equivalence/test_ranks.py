"""N ranks compute what one rank computes: parameters, running statistics, losses and metrics.

float64 and SGD: rounding leaves 1e-16 a step, a wrong weight or a missing reduction leaves far more, and nothing
rescales the gradient on the way as Adam would. 23 samples in batches of 7 leave a last batch of 2: with three ranks
or more, one rank's shard of it is empty.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ddtrain import nn
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.comm.backends.threads import make_threads
from ddtrain.parallel import reducer
from ddtrain.parallel.hooks import NoopHook
from ddtrain.trainer.config.config import Comm
from ddtrain.trainer.task import Task
from helpers import Net, largest_difference, loss, make_task, sgd_config, train

TOLERANCE = 1e-12


def one_rank(**kwargs: Any) -> dict[str, Any]:
    return train(LocalCommunicator(), **kwargs)


def test_n_ranks_are_one_rank(world: Any) -> None:
    expected = one_rank()
    for got in world.run(train):
        assert largest_difference(got, expected) < TOLERANCE


@pytest.mark.mpi
def test_n_mpi_ranks_are_one_rank(comm: Any) -> None:
    assert largest_difference(train(comm), one_rank()) < TOLERANCE


@pytest.mark.mpi
def test_threads_give_the_bits_that_mpi_gives(comm: Any) -> None:
    threads = make_threads(comm.size)  # not run_ranks, which refuses to nest ranks in ranks
    with ThreadPoolExecutor(comm.size) as pool:
        by_threads = list(pool.map(train, threads))
    assert largest_difference(train(comm), by_threads[comm.rank]) == 0


def test_all_ranks_hold_the_same_bits(world: Any) -> None:
    first, *others = world.run(train)
    for other in others:
        assert largest_difference(first, other) == 0


@pytest.mark.parametrize("bucket_bytes", [1, 200, 1 << 20])
def test_bucket_size_changes_no_bit(world: Any, bucket_bytes: int) -> None:
    default, other = (
        world.run(train),
        world.run(lambda c: train(c, config=sgd_config(comm=Comm(bucket_bytes=bucket_bytes)))),
    )
    for a, b in zip(default, other, strict=True):
        assert largest_difference(a, b) == 0


def test_unsynchronised_batch_norm_differs(world: Any) -> None:
    """The four configurations: one or several ranks, synchronised or not; exactly one of them differs."""
    unsynchronised = one_rank(task=make_task(Net(sync=False)))
    assert largest_difference(unsynchronised, one_rank()) == 0, "one rank alone has nobody to differ from"
    if world.size > 1:
        for got in world.run(lambda c: train(c, task=make_task(Net(sync=False)))):
            assert largest_difference(got, unsynchronised) > 1e-3


def test_dropping_the_reduction_is_noticed(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mutation: without the sum over ranks, the first test of this file must fail."""

    class Silent(reducer.Reducer):
        def start(self) -> None:
            super().start()
            self.sums.hook = NoopHook()

    if world.size == 1:
        pytest.skip("one rank reduces nothing")
    monkeypatch.setattr("ddtrain.trainer.step.setup.Reducer", Silent)
    for got in world.run(train):
        assert largest_difference(got, one_rank()) > 1e-3


def test_averaging_the_shards_means_would_be_noticed(world: Any) -> None:
    """Another mutation: weighting every rank alike is wrong where shards are ragged."""
    if world.size == 1:
        pytest.skip("one rank has one shard")

    def ragged(model: Any, x: Any, y: Any) -> Any:
        losses, metrics = loss(model, x, y)
        return losses * (7 / world.size / max(1, len(losses))), metrics

    task = make_task(nn.Sequential(nn.Linear(6, 4)))
    expected = one_rank(task=task)
    for got in world.run(lambda c: train(c, task=Task(task.model, ragged, task.train))):
        assert largest_difference(got, expected) > 1e-3
