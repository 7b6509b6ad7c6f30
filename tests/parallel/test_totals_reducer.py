"""Totals: their sum through memory and through messages, and what is said where ranks bring different lengths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.errors import ReplicaError
from ddtrain.parallel import TotalsReducer, make_shard_layout
from ddtrain.parallel.node_counters import TOTALS
from ddtrain.parallel.totals_reducer import _MOST
from worlds import World


def reducer_of(comm: Any, shards: int = 0) -> tuple[TotalsReducer, Any]:
    node = comm.split_nodes(1 << 20)
    layout = make_shard_layout(comm, node, shards)
    return TotalsReducer(comm.duplicate(), node, layout, TOTALS), layout


@pytest.mark.parametrize("spec", ["local", "threads:3", "nodes:000", "nodes:000-0", "nodes:000-2", "nodes:001"])
@pytest.mark.parametrize("count", [1, 5, _MOST + 1])
def test_every_rank_has_the_sum_of_every_step(spec: str, count: int) -> None:
    def body(comm: Any) -> list[Any]:
        reducer, layout = reducer_of(comm, shards=5)
        found = []
        for step in range(3):
            rows = layout.block_sums([np.full(count, 10.0**step * shard) for shard in layout.shards])
            found.append(np.empty(count))
            reducer.start(rows, found[-1])
            reducer.wait()
        return found

    for found in World(spec).run(body):
        for step, totals in enumerate(found):
            assert (totals == 10.0**step * sum(range(5))).all()


def test_ranks_that_bring_different_lengths_are_told_apart() -> None:
    def body(comm: Any) -> None:
        reducer, _ = reducer_of(comm)
        count = 2 + (comm.rank == 1)
        reducer.start([np.zeros(count)], np.empty(count))
        reducer.wait()

    with pytest.raises(ReplicaError, match="rank 0 2, rank 1 3, rank 2 2"):
        World("nodes:000").run(body)
