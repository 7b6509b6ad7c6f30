"""Where tests get their ranks: in this process, or from mpirun."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nodes  # noqa: F401  so that nodes:0011 is a backend

from ddtrain.bench.mpirun import mpirun
from ddtrain.comm import Communicator, make, run_ranks

__all__ = ["World", "mpirun"]


class World:
    """The ranks of a backend that lives in one process."""

    def __init__(self, spec: str) -> None:
        self.spec = spec
        self.size = make(spec)[0].size

    def run(self, body: Callable[[Communicator], Any]) -> list[Any]:
        """What ``body(comm)`` returned on each rank, in rank order; the error of the rank that failed is raised."""
        results: list[Any] = [None] * self.size
        errors: list[BaseException] = []

        def main(comm: Communicator) -> None:
            results[comm.rank] = body(comm)

        code = run_ranks(self.spec, main, lambda error, rank: errors.append(error))
        if errors:
            raise errors[0]
        assert code == 0
        return results
