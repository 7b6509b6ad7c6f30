"""Ranks, or shards of one rank, that exchange different things inside the model: noticed on every backend, before the
figures are used, with both sides in words.

Each way to differ is tried where ranks share memory, where they send messages, and among shards that share a rank.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nodes  # noqa: F401  a backend
import numpy as np
import pytest

import ddtrain.numpy as dnp
from ddtrain import data, nn, ops
from ddtrain.comm import Communicator
from ddtrain.current_layer import use_layer
from ddtrain.errors import ReplicaError
from ddtrain.parallel import ShardRunner, make_shard_layout, make_small_collectives
from ddtrain.parallel.collectives.shared_memory import LIMIT_BYTES
from ddtrain.trainer.config.config import Run
from ddtrain.trainer.task import Task
from helpers import make_task, sgd_config, train
from worlds import World

Say = Callable[[Any, bool], None]  # what a rank does with its peers: as the others, or as the odd one


def allreduce(peers: Any, layer: str, count: int = 3, dtype: Any = np.float64) -> None:
    with use_layer(layer):
        peers.allreduce(np.ones(count, dtype))


def allgather(peers: Any, layer: str, count: int = 3) -> None:
    with use_layer(layer):
        peers.allgather(np.ones(count), np.empty((peers.size, count)))


def layers(peers: Any, odd: bool) -> None:
    for layer in "ba" if odd else "ab":
        allreduce(peers, layer)


def counts(peers: Any, odd: bool) -> None:
    allreduce(peers, "a", 5 if odd else 3)


def much(peers: Any, odd: bool) -> None:
    """One of them through memory, the other not."""
    allreduce(peers, "a", LIMIT_BYTES if odd else 3)


def dtypes(peers: Any, odd: bool) -> None:
    allreduce(peers, "a", 3, np.int64 if odd else np.float64)


def operations(peers: Any, odd: bool) -> None:
    (allgather if odd else allreduce)(peers, "a")


def one_left_out(peers: Any, odd: bool) -> None:
    for layer in "ac" if odd else "abc":
        allreduce(peers, layer)


def the_last_left_out(peers: Any, odd: bool) -> None:
    for layer in "a" if odd else "ab":
        allreduce(peers, layer)


def one_too_many(peers: Any, odd: bool) -> None:
    for layer in "ab" if odd else "a":
        allreduce(peers, layer)


def all_left_out(peers: Any, odd: bool) -> None:
    if not odd:
        allreduce(peers, "a")


SAID = {  # what most say, and what the odd one says instead
    layers: ("allreduce of 3 x float64 in layer 'a'", "allreduce of 3 x float64 in layer 'b'"),
    counts: ("allreduce of 3 x float64 in layer 'a'", "allreduce of 5 x float64 in layer 'a'"),
    much: ("allreduce of 3 x float64 in layer 'a'", f"allreduce of {LIMIT_BYTES} x float64 in layer 'a'"),
    dtypes: ("allreduce of 3 x float64 in layer 'a'", "allreduce of 3 x int64 in layer 'a'"),
    operations: ("allreduce of 3 x float64 in layer 'a'", "allgather of 3 x float64 in layer 'a'"),
    one_left_out: ("allreduce of 3 x float64 in layer 'b'", "allreduce of 3 x float64 in layer 'c'"),
    the_last_left_out: ("allreduce of 3 x float64 in layer 'b'", "nothing more in this pass"),
    one_too_many: ("nothing more in this pass", "allreduce of 3 x float64 in layer 'b'"),
    all_left_out: ("allreduce of 3 x float64 in layer 'a'", "nothing more in this pass"),
}
EVERY_WAY = pytest.mark.parametrize("say", SAID, ids=lambda say: say.__name__)


def a_pass(comm: Communicator, say: Say, odd: int, share: bool) -> None:
    """Two passes through a model, in the second of which one rank is odd; then all wait for each other elsewhere."""
    node = comm.split_nodes(1 << 20 if share else -1)
    shards = ShardRunner(make_small_collectives(comm.duplicate(), node, 4), make_shard_layout(comm, node))
    shards.map(lambda shard, peers: say(peers, False))
    shards.map(lambda shard, peers: say(peers, shard == odd))
    shards.map(lambda shard, peers: say(peers, False))


def assert_told(error: ReplicaError, say: Say, odd: int, size: int, by_memory: bool) -> None:
    """Through memory all hear all, and most are right; by messages a rank hears of the one before."""
    usual, other = SAID[say]
    lines, others = str(error).splitlines(), [str(rank) for rank in range(size) if rank != odd]
    assert error.exit_code == 72
    if by_memory:
        assert lines[0] == f"rank {odd} exchanges something else than ranks {', '.join(others[:-1])} and {others[-1]}"
    assert any(usual in line for line in lines[1:3])
    assert any(f"rank {odd}: {other}" in line for line in lines[1:3])


@pytest.mark.parametrize("spec", ["threads:3", "nodes:000", "nodes:001"])
@pytest.mark.parametrize("odd", [0, 2])
@EVERY_WAY
def test_ranks_that_differ_are_named(spec: str, odd: int, say: Say) -> None:
    with pytest.raises(ReplicaError) as caught:
        World(spec).run(lambda comm: a_pass(comm, say, odd, share=True))
    if "differs between ranks" not in str(caught.value):  # threads notice other counts and types by themselves
        assert_told(caught.value, say, odd, 3, spec == "nodes:000")


@pytest.mark.mpi(min_size=3)
@EVERY_WAY
def test_processes_that_share_memory_and_differ_are_named(comm: Any, say: Say) -> None:
    with pytest.raises(ReplicaError) as caught:
        a_pass(comm, say, 1, share=True)
    assert_told(caught.value, say, 1, comm.size, by_memory=True)


@pytest.mark.mpi(min_size=2)
@EVERY_WAY
def test_processes_that_send_messages_and_differ_are_named(comm: Any, say: Say) -> None:
    if comm.size > 2:
        pytest.skip("each of two hears of the other; a third might wait for them until the job is ended, as jobs are")
    with pytest.raises(ReplicaError) as caught:
        a_pass(comm, say, 1, share=False)
    assert_told(caught.value, say, 1, 2, by_memory=False)


@pytest.mark.parametrize("spec", ["local", "threads:2"])
@pytest.mark.parametrize("odd", [0, 2])
@EVERY_WAY
def test_shards_that_differ_are_named_on_one_rank_and_between_ranks(spec: str, odd: int, say: Say) -> None:
    """Of four shards; of one rank they meet each other first."""

    def body(comm: Communicator) -> None:
        node = comm.split_nodes(1 << 20)
        shards = ShardRunner(make_small_collectives(comm.duplicate(), node, 4), make_shard_layout(comm, node, 4))
        shards.map(lambda shard, peers: say(peers, False))
        shards.map(lambda shard, peers: say(peers, shard == odd))
        shards.map(lambda shard, peers: say(peers, False))

    with pytest.raises(ReplicaError, match=r"shards? .* exchange"):
        World(spec).run(body)


@pytest.mark.parametrize("spec", ["threads:3", "nodes:000"])
def test_rank_0_s_decisions_are_compared_too(spec: str) -> None:
    def body(comm: Communicator) -> None:
        near = make_small_collectives(comm.duplicate(), comm.split_nodes(1 << 20), 5)
        near.broadcast(np.ones(8))
        with use_layer("other" if comm.rank == 1 else "same"):
            near.broadcast(np.ones(8))
        near.broadcast(np.ones(8))

    with pytest.raises(
        ReplicaError, match=r"(?s)exchange.*broadcast from rank 0 of 8 x float64 in layer 'same'.*other"
    ):
        World(spec).run(body)


class Twins(nn.Module):
    """Two equal branches; one shard takes them in the other order, or all shards do."""

    def __init__(self, make: Callable[[], Any], odd: int) -> None:
        self.left, self.right, self.odd = make(), make(), odd
        self.head = nn.Linear(6, 4)

    def forward(self, x: Any) -> Any:
        comm = ops.communicator()
        swapped = comm is not None and self.odd in (comm.rank, -1)
        found = {name: getattr(self, name)(x) for name in (("right", "left") if swapped else ("left", "right"))}
        return self.head(dnp.tanh(found["left"]) + dnp.tanh(2 * found["right"]))


class Total(nn.Module):
    """A user's own sum over ranks, forward and backward."""

    def forward(self, x: Any) -> Any:
        return x + ops.allreduce(x.sum(axis=0))


class ByHand(nn.Module):
    """A collective of the communicator itself, as a user may call it."""

    def forward(self, x: Any) -> Any:
        comm, total = ops.communicator(), np.ones(2)
        if comm is not None:
            comm.allreduce(total)
        return x / total[0]


BRANCHES = pytest.mark.parametrize("make", [lambda: nn.BatchNorm(6), Total, ByHand], ids=["norm", "sum", "by hand"])


@BRANCHES
@pytest.mark.parametrize(("spec", "shards"), [("threads:3", 0), ("nodes:000", 0), ("nodes:01", 0), ("local", 3)])
def test_two_layers_in_another_order_on_one_rank(spec: str, shards: int, make: Any) -> None:
    config, task = sgd_config(run=Run(dtype="float64", epochs=1000, shards=shards)), make_task(Twins(make, odd=1))
    with pytest.raises(ReplicaError) as caught:
        World(spec).run(lambda comm: train(comm, 1, config, task))
    who = "shard" if shards else "rank"
    assert f"{who} 1" in str(caught.value)
    assert "in layer 'left'" in str(caught.value)
    assert "in layer 'right'" in str(caught.value)


@BRANCHES
def test_in_another_order_on_all_ranks_they_are_the_same_model(make: Any) -> None:
    seen = set()
    for odd in (-2, -1):
        found = World("nodes:000").run(lambda comm, odd=odd: train(comm, 3, sgd_config(), make_task(Twins(make, odd))))
        seen |= {tuple(x.tobytes() for x in replica["tensors"].values()) for replica in found}
    assert len(seen) == 1


def test_a_layer_that_only_one_rank_has_in_its_loss_is_noticed() -> None:
    """The loss is outside of any layer; nothing else is exchanged inside this model."""

    def loss(model: Any, x: Any, y: Any) -> Any:
        comm = ops.communicator()
        if comm is not None and comm.rank == 1:
            comm.allreduce(np.ones(1))
        return ops.cross_entropy(model(x), y), {}

    plain = make_task()
    task = Task(nn.Sequential(nn.Linear(6, 4)), loss, plain.train, data.ArrayData(np.zeros((1, 6)), np.zeros(1, int)))
    for spec in ("threads:2", "nodes:00"):
        with pytest.raises(ReplicaError, match=r"(?s)allreduce of 1 x float64 outside of any layer"):
            World(spec).run(lambda comm: train(comm, 1, sgd_config(), task))
