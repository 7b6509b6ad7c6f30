"""A node of one rank: ranks that share no memory are nodes of their own, and together form one column."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from ddtrain.comm.protocol import Array, Communicator


class SingleRankNode:
    """A node of one rank, which never waits. Its methods: see :class:`~ddtrain.comm.protocol.Node`.

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> node = LocalCommunicator().split_nodes()
    >>> node.size, node.sizes, node.alloc(2, np.float32)
    (1, (1,), [array([0., 0.], dtype=float32)])
    """

    rank, size, spec, waited_s = 0, 1, "private", 0.0

    def __init__(self, comm: Communicator, why: str = "") -> None:
        self.index, self.sizes, self.why_not_shared = comm.rank, (1,) * comm.size, why
        self.column: Communicator | None = comm.duplicate()

    def alloc(self, count: int, dtype: DTypeLike) -> list[Array]:
        return [np.zeros(count, dtype)]

    def post(self, counter: int, value: int) -> None:
        pass

    def reached(self, counter: int, value: int) -> bool:
        return True

    def wait(self, counter: int, value: int, rank: int | None = None) -> None:
        pass

    def close(self) -> None:
        if self.column is not None:
            self.column.close()
