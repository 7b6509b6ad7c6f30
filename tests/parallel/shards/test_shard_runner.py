"""What shards exchange: in the order of shards, along the tree, wherever they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.comm import Communicator
from ddtrain.comm.reduction_tree import ReductionTree
from ddtrain.parallel import ShardRunner, make_shard_layout, make_small_collectives
from ddtrain.parallel.node_counters import MODEL
from worlds import World


def rows(count: int) -> Any:
    """A row a shard, of magnitudes that make every order of their sum another number."""
    rng = np.random.default_rng(count)
    return rng.standard_normal((count, 50)) * 10.0 ** rng.integers(-8, 8, (count, 50))


@pytest.mark.parametrize("count", [5, 7])
@pytest.mark.parametrize("spec", ["local", "threads:3", "nodes:0011", "nodes:0101", "nodes:01010"])
def test_rows_come_in_the_order_of_shards_and_are_summed_along_the_tree(spec: str, count: int) -> None:
    expected = rows(count)
    whole = np.empty(50)
    ReductionTree.of_ranks(count).fold(list(expected), whole)
    assert (whole != np.add.reduce(expected)).any(), "one after another, it would be another sum"

    def body(comm: Communicator) -> list[Any]:
        node = comm.split_nodes()
        shards = ShardRunner(
            make_small_collectives(comm.duplicate(), node, MODEL), make_shard_layout(comm, node, count)
        )

        def call(shard: int, peers: Any) -> Any:
            gathered, total = np.empty_like(expected), expected[shard].copy()
            peers.allgather(expected[shard].copy(), gathered)
            peers.allreduce(total)
            return gathered, total

        return shards.map(call)

    for found in World(spec).run(body):
        for gathered, total in found:
            np.testing.assert_array_equal(gathered, expected)
            np.testing.assert_array_equal(total, whole)
