"""Small collectives between ranks that share memory: each writes, says so, and reads what the others wrote.

Note [Two halves]
A rank writes into the two halves of its memory by turns. Before turn T it waits until all have counted turn T - 1: they
have then read what turn T - 2 left in the half that is written now. All but the slowest find that it is so.
"""

# P ranks

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ddtrain.comm.buffers import check_gather, check_root, flat
from ddtrain.comm.protocol import Communicator, Node
from ddtrain.comm.tree import Tree

Array = NDArray[Any]
LIMIT_BYTES = 1 << 16  # what a rank can say at once; more goes the usual way


class Collectives(Protocol):
    """What shards and the coordinator ask of a communicator."""

    rank: int
    size: int

    @property
    def waited_s(self) -> float: ...
    def allreduce(self, buf: Array) -> None: ...
    def allgather(self, send: Array, out: Array) -> None: ...
    def broadcast(self, buf: Array, root: int = 0) -> None: ...


def nearby(comm: Communicator, node: Node, counter: int) -> Collectives:
    """The communicator's small collectives, through memory where all ranks share it. Collective.

    Parameters
    ----------
    comm : owned by what is returned
    counter : one of the node's, used by nobody else
    """
    return Nearby(comm, node, counter) if node.size == comm.size > 1 else comm


class Nearby:
    """See :func:`nearby`, and :class:`~ddtrain.comm.protocol.Communicator` for the methods."""

    def __init__(self, comm: Communicator, node: Node, counter: int) -> None:
        self.comm, self.rank, self.size = comm, comm.rank, comm.size
        self._node, self._counter, self._turn = node, counter, 0
        parts = node.alloc(2 * LIMIT_BYTES, np.uint8)
        self._halves = [[part[:LIMIT_BYTES] for part in parts], [part[LIMIT_BYTES:] for part in parts]]

    @property
    def waited_s(self) -> float:
        """Seconds blocked in what went the usual way; what went through memory counts for the node."""
        return self.comm.waited_s

    def allreduce(self, buf: Array) -> None:
        if buf.nbytes > LIMIT_BYTES:
            self.comm.allreduce(buf)
            return
        vector = flat("allreduce", buf)
        parts = self._begin(vector.nbytes, vector.dtype)
        parts[self.rank][...] = vector
        self._meet()
        Tree.ranks(self.size).fold(parts, vector)

    def allgather(self, send: Array, out: Array) -> None:
        if send.nbytes > LIMIT_BYTES:
            self.comm.allgather(send, out)
            return
        check_gather(send, out, self.size)
        parts = self._begin(send.nbytes, send.dtype)
        parts[self.rank][...] = send.reshape(-1)
        self._meet()
        for row, part in zip(out, parts, strict=True):
            row[...] = part.reshape(send.shape)

    def broadcast(self, buf: Array, root: int = 0) -> None:
        if buf.nbytes > LIMIT_BYTES:
            self.comm.broadcast(buf, root)
            return
        check_root(root, self.size)
        vector = flat("broadcast", buf)
        parts = self._begin(vector.nbytes, vector.dtype)
        if self.rank == root:
            parts[root][...] = vector
        else:
            self._node.wait(self._counter, self._turn, root)
            vector[...] = parts[root]
        self._node.post(self._counter, self._turn)

    def _begin(self, nbytes: int, dtype: np.dtype[Any]) -> list[Array]:
        """The ranks' memory of this turn, free to be written (Note [Two halves])."""
        self._turn += 1
        self._node.wait(self._counter, self._turn - 1)
        return [half[:nbytes].view(dtype) for half in self._halves[self._turn % 2]]

    def _meet(self) -> None:
        self._node.post(self._counter, self._turn)
        self._node.wait(self._counter, self._turn)
