"""How peers join: what one rank refuses is refused on all, before any of them waits for another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from ddtrain.bench.peers import joining, numpy_steps, registry
from ddtrain.bench.peers.ddtrain_steps import ours
from ddtrain.bench.workloads import WORKLOADS
from ddtrain.comm import run_ranks

NAME = "tiny_mlp"


class Fake:
    """NumPy by hand, on each rank for itself, but one rank cannot train alone."""

    def __init__(self, rank: int, unable: int) -> None:
        self.rank, self.unable = rank, unable

    @contextmanager
    def open(self, comm: Any, workload: Any) -> Iterator[Any]:
        if comm.size == 1 and self.rank == self.unable:
            raise registry.CannotRun(f"not on rank {self.rank}")
        yield numpy_steps._Loop(workload)


@pytest.mark.parametrize("unable", [-1, 0, 1])
def test_a_peer_joins_on_all_ranks_or_none(unable: int) -> None:
    said: dict[int, str] = {}

    def main(comm: Any) -> None:
        peer: Any = Fake(comm.rank, unable)
        with ours(comm, NAME, WORKLOADS[NAME]) as mine, ExitStack() as stack:
            joins = joining.Joins(comm, NAME, WORKLOADS[NAME], mine)
            try:
                said[comm.rank] = ", ".join(joins.opened("it", peer, stack)())
            except registry.CannotRun as error:
                said[comm.rank] = str(error)

    assert run_ranks("threads:2", main) == 0
    assert said == dict.fromkeys((0, 1), "numpy" if unable < 0 else f"not on rank {unable}")
