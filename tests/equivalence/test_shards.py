"""The same bits at any number of ranks: a run's numbers are those of its shards, whoever computes them.

Synchronised batch-norm, dropout, clipping, momentum and ragged batches all take part: 23 samples in batches of 7 leave
a last batch of 2, in which some of the shards are empty.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from ddtrain import nn, ops
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.comm.backends.threads import make_threads
from ddtrain.errors import ReplicaError, UsageError
from ddtrain.parallel import ShardRunner, make_shard_layout, make_small_collectives
from ddtrain.trainer.config.config import Clip, Comm, Run
from ddtrain.trainer.config.validation import validate
from helpers import Net, loss, make_task, sgd_config, train
from worlds import World

STEPS = 12


def run(comm: Any, shards: int, **kwargs: Any) -> dict[str, Any]:
    options = {"run": Run(dtype="float32", epochs=1000, shards=shards)} | kwargs.pop("sections", {})
    task = kwargs.pop("task", None) or make_task(dtype=np.float32)
    return train(comm, STEPS, sgd_config(**options), task)


def over_threads(size: int, shards: int, **kwargs: Any) -> list[dict[str, Any]]:
    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(lambda comm: run(comm, shards, **kwargs), make_threads(size)))


def assert_same_bits(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert a["means"] == b["means"]
    for name in a["tensors"]:
        assert a["tensors"][name].tobytes() == b["tensors"][name].tobytes(), name


@pytest.mark.parametrize("shards", [1, 2, 3, 5, 6, 7])
def test_any_number_of_ranks_gives_the_same_bits(shards: int) -> None:
    alone = run(LocalCommunicator(), shards)
    for size in range(1, shards + 1):
        for replica in over_threads(size, shards):
            assert_same_bits(replica, alone)


@pytest.mark.parametrize("shards", [5, 7])
@pytest.mark.parametrize("spec", ["nodes:00111", "nodes:01010"])
def test_nor_does_where_the_ranks_are(spec: str, shards: int) -> None:
    """Consecutive shards are a node's, so that shards follow each other otherwise than ranks where nodes alternate."""
    alone = run(LocalCommunicator(), shards)
    for replica in World(spec).run(lambda comm: run(comm, shards)):
        assert_same_bits(replica, alone)


@pytest.mark.mpi
@pytest.mark.parametrize("shards", [4, 7])
@pytest.mark.parametrize("node_memory", ["auto", "off"])
def test_mpi_gives_the_bits_of_one_rank(comm: Any, shards: int, node_memory: Any) -> None:
    found = run(comm, shards, sections={"comm": Comm(node_memory=node_memory)})
    assert_same_bits(found, run(LocalCommunicator(), shards))


@pytest.mark.parametrize("bucket_bytes", [1, 300, 1 << 20])
def test_bucket_size_changes_no_bit(bucket_bytes: int) -> None:
    for replica in over_threads(2, 5, sections={"comm": Comm(bucket_bytes=bucket_bytes)}):
        assert_same_bits(replica, run(LocalCommunicator(), 5))


def test_the_number_of_shards_is_part_of_the_result() -> None:
    """Else the tests above could pass because nothing depends on the order of sums."""
    one, other = run(LocalCommunicator(), 3), run(LocalCommunicator(), 4)
    assert any((one["tensors"][name] != other["tensors"][name]).any() for name in one["tensors"])


def test_a_shard_a_rank_is_what_runs_without_the_option() -> None:
    for with_option, without in zip(over_threads(3, 3), over_threads(3, 0), strict=True):
        assert_same_bits(with_option, without)


def test_unsynchronised_batch_norm_belongs_to_the_shard() -> None:
    task = make_task(Net(sync=False), dtype=np.float32)
    alone = run(LocalCommunicator(), 4, task=task)
    for size in (2, 3):
        assert_same_bits(over_threads(size, 4, task=task)[0], alone)


def test_adding_shards_in_the_order_they_come_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mutation: a plain running sum on each rank is the right sum, but not the same bits."""
    from ddtrain.parallel.shards import accumulator

    alone = run(LocalCommunicator(), 7)
    monkeypatch.setattr(
        accumulator,
        "slots",
        lambda blocks: [
            accumulator.Slot(row, int(k > 0), int(k > 0))
            for row, block in enumerate(blocks)
            for k in range(len(range(*block)))
        ],
    )
    other = run(LocalCommunicator(), 7)
    assert any((other["tensors"][name] != alone["tensors"][name]).any() for name in alone["tensors"])


class Uneven(nn.Module):
    """Exchanges something in the first shard alone, or in all but the first."""

    def __init__(self, first: bool) -> None:
        self.head, self.first = nn.Linear(6, 4), first

    def forward(self, x: Any) -> Any:
        comm = ops.communicator()
        assert comm is not None
        if (comm.rank == 0) == self.first:
            comm.allreduce(np.ones(1))
        return self.head(x)


@pytest.mark.parametrize(
    ("first", "said"),
    [
        (True, r"(?s)shard 1 exchanges something else than shard 0.*shard 1: nothing more in this pass"),
        (False, "shard 1 exchanges something that shard 0 did"),
    ],
)
@pytest.mark.parametrize("shards", [2, 3])
def test_shards_that_do_not_do_alike_are_an_error_not_a_hang(first: bool, said: str, shards: int) -> None:
    """Of two shards the last goes on to its backward pass, whose gradients would be ready before a sum has begun."""
    task = make_task(Uneven(first), dtype=np.float32)
    with pytest.raises(ReplicaError, match=said):
        run(LocalCommunicator(), shards, task=task)


@pytest.mark.parametrize("culprit", range(4))
def test_an_error_in_one_shard_ends_the_others(culprit: int) -> None:
    comm = LocalCommunicator()
    node = comm.split_nodes()
    shards = ShardRunner(make_small_collectives(comm, node, 4), make_shard_layout(comm, node, 4))

    def call(shard: int, peers: Any) -> float:
        buf = np.ones(2)
        peers.allreduce(buf)
        if shard == culprit:
            raise ValueError("boom")
        peers.allreduce(buf)
        return float(buf[0])

    for _ in range(2):  # and the threads can be used again
        with pytest.raises(ValueError, match="boom"):
            shards.map(call)
    culprit = -1
    assert shards.map(call) == [16.0] * 4


def test_more_ranks_than_shards_is_one_error_on_all_ranks() -> None:
    with pytest.raises(UsageError, match=r"--run\.shards 2 is less than the 3 ranks"):
        validate(sgd_config(run=Run(shards=2)), 3)
    for comm in make_threads(1):
        assert make_shard_layout(comm, comm.split_nodes(), 2).count == 2
    with pytest.raises(UsageError, match=r"--run\.shards 9 is more than the 7 samples of a batch"):
        validate(sgd_config(run=Run(shards=9)), 3)


def test_gradient_clipping_and_early_shards_see_one_norm() -> None:
    """A limit by value, too: it is applied to shares of the vector, each on another rank."""
    sections = {"clip": Clip(norm=0.1, value=0.01)}
    alone = run(LocalCommunicator(), 6, sections=sections)
    for replica in over_threads(4, 6, sections=sections):
        assert_same_bits(replica, alone)


def test_the_loss_is_a_sum_over_samples_not_a_mean_over_shards() -> None:
    task = make_task(nn.Sequential(nn.Linear(6, 4)))
    few, many = (
        train(LocalCommunicator(), 5, sgd_config(run=Run(dtype="float64", epochs=1000, shards=v)), task) for v in (1, 6)
    )
    for a, b in zip(few["means"], many["means"], strict=True):
        assert abs(a["loss"] - b["loss"]) < 1e-12
    assert loss is task.loss
