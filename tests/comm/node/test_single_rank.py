"""A node of one rank: its memory is its own, nobody is waited for, and all ranks are one column."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.comm.node.single_rank import SingleRankNode
from worlds import World


def test_each_rank_is_a_node_and_all_of_them_are_its_column() -> None:
    def body(comm: Any) -> tuple[Any, ...]:
        node = SingleRankNode(comm, "no memory in common")
        total = np.array([10.0**comm.rank])
        node.column.allreduce(total)
        return node.index, node.rank, node.size, node.sizes, node.why_not_shared, float(total[0])

    assert World("threads:3").run(body) == [(k, 0, 1, (1, 1, 1), "no memory in common", 111.0) for k in range(3)]


def test_counters_are_always_reached() -> None:
    (found,) = World("local").run(lambda comm: SingleRankNode(comm).reached(0, 10**9))
    assert found


def test_memory_is_zero_at_first_and_another_each_time() -> None:
    def body(comm: Any) -> None:
        node = SingleRankNode(comm)
        (one,), (other,) = node.alloc(3, np.float64), node.alloc(3, np.float64)
        one[...] = 1.0
        assert other.tolist() == [0.0] * 3
        assert node.alloc(0, np.int64)[0].size == 0

    World("threads:2").run(body)
