"""Which way small collectives go: through memory where all ranks share it, as messages where not, and neither alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.parallel import make_small_collectives
from worlds import World


@pytest.mark.parametrize(
    ("spec", "way"),
    [
        ("local", "MessageCollectives"),
        ("threads:3", "MessageCollectives"),
        ("nodes:000", "SharedMemoryCollectives"),
        ("nodes:001", "MessageCollectives"),
    ],
)
def test_memory_is_used_where_it_reaches_everybody(spec: str, way: str) -> None:
    def body(comm: Any) -> tuple[str, list[float]]:
        near = make_small_collectives(comm.duplicate(), comm.split_nodes(1 << 20), 4)
        buf = np.full(2, 10.0**comm.rank)
        near.allreduce(buf)
        return type(near).__name__, buf.tolist()

    ranks = World(spec)
    expected = float(sum(10**rank for rank in range(ranks.size)))
    assert ranks.run(body) == [(way, [expected] * 2)] * ranks.size


def test_a_rank_alone_has_what_it_brings() -> None:
    comm = LocalCommunicator()
    near, buf, rows = make_small_collectives(comm, comm.split_nodes(), 4), np.arange(3.0), np.empty((1, 3))
    near.allreduce(buf)
    near.allgather(buf, rows)
    near.broadcast(buf)
    near.end_pass()
    assert rows.tolist() == [buf.tolist()] == [[0.0, 1.0, 2.0]]
