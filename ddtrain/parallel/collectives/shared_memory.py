"""Small collectives of ranks that share memory: each writes, counts, and reads what the others wrote.

Note [Two halves]
A rank writes into the two halves of its memory by turns. Before turn T it waits until all ranks have counted turn
T - 1: by then they have read what turn T - 2 wrote into the same half. Usually all of them have, and it does not wait.
"""

# P ranks

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.comm.buffers import check_allgather, check_root, flat
from ddtrain.comm.protocol import Communicator, Node
from ddtrain.comm.reduction_tree import ReductionTree
from ddtrain.current_layer import LAYER
from ddtrain.parallel.collectives.call_signatures import (
    END_OF_PASS,
    TAG_BYTES,
    Tag,
    collective_mismatch,
    tag_of,
    text_of,
)

Array = NDArray[Any]
LIMIT_BYTES = 1 << 16  # longest buffer of a rank that goes through shared memory; longer ones are sent as messages


class SharedMemoryCollectives:
    """The small collectives of one node. Its methods: see :class:`~ddtrain.parallel.SmallCollectives`.

    Parameters
    ----------
    comm : for buffers that are too long; owned by this object
    counter : a counter of the node that nothing else uses
    """

    def __init__(self, comm: Communicator, node: Node, counter: int) -> None:
        self.comm, self.rank, self.size = comm, comm.rank, comm.size
        self._node, self._counter, self._turn = node, counter, 0
        parts = node.alloc(2 * (TAG_BYTES + LIMIT_BYTES), np.uint8)
        ends = TAG_BYTES + LIMIT_BYTES
        halves = [[part[:ends] for part in parts], [part[ends:] for part in parts]]
        self._halves = [[half[TAG_BYTES:] for half in of_ranks] for of_ranks in halves]
        self._tags = [[memoryview(half[:TAG_BYTES].data) for half in of_ranks] for of_ranks in halves]
        self._codes = [[tag[:8].cast("q") for tag in of_ranks] for of_ranks in self._tags]
        self._everybody = range(self.size)
        self._ended = False  # whether the last turn ended a pass, so that its tags are still to be compared

    @property
    def waited_s(self) -> float:
        """Seconds blocked in messages; the node counts the waits for shared memory."""
        return self.comm.waited_s

    def allreduce(self, buf: Array) -> None:
        vector = flat("allreduce", buf)
        parts = self._begin(tag_of("allreduce", vector.size, vector.dtype.char, LAYER.get()))
        if vector.nbytes > LIMIT_BYTES:
            self._meet()
            self.comm.allreduce(vector)
            return
        rows = [part[: vector.nbytes].view(vector.dtype) for part in parts]
        rows[self.rank][...] = vector
        self._meet()
        ReductionTree.of_ranks(self.size).fold(rows, vector)

    def allgather(self, send: Array, out: Array, tag: Tag | None = None) -> None:
        check_allgather(send, out, self.size)
        parts = self._begin(tag or tag_of("allgather", send.size, send.dtype.char, LAYER.get()))
        if send.nbytes > LIMIT_BYTES:
            self._meet()
            self.comm.allgather(send, out)
            return
        rows = [part[: send.nbytes].view(send.dtype) for part in parts]
        rows[self.rank][...] = send.reshape(-1)
        self._meet()
        for row, part in zip(out, rows, strict=True):
            row[...] = part.reshape(send.shape)

    def broadcast(self, buf: Array, root: int = 0) -> None:
        check_root(root, self.size)
        vector = flat("broadcast", buf)
        parts = self._begin(tag_of(f"broadcast from rank {root}", vector.size, vector.dtype.char, LAYER.get()))
        if vector.nbytes > LIMIT_BYTES:
            self._meet()
            self.comm.broadcast(vector, root)
            return
        if self.rank == root:
            parts[root][: vector.nbytes].view(vector.dtype)[...] = vector
        else:
            self._node.wait(self._counter, self._turn, root)
            self._compare([root, self.rank])
            vector[...] = parts[root][: vector.nbytes].view(vector.dtype)
        self._node.post(self._counter, self._turn)

    def end_pass(self) -> None:
        self._begin(END_OF_PASS)
        self._node.post(self._counter, self._turn)
        self._ended = True

    def _begin(self, tag: Tag) -> list[Array]:
        """The ranks' memory of this turn, free to be written (Note [Two halves]), and this rank's tag in it."""
        self._node.wait(self._counter, self._turn)
        if self._ended:
            self._compare(self._everybody)
            self._ended = False
        self._turn += 1
        half = self._turn % 2
        self._tags[half][self.rank][:] = tag.raw
        return self._halves[half]

    def _meet(self) -> None:
        self._node.post(self._counter, self._turn)
        self._node.wait(self._counter, self._turn)
        self._compare(self._everybody)

    def _compare(self, ranks: Sequence[int]) -> None:
        """Compare some ranks' tags of the present turn, before reading anything else of it (Note [Tags])."""
        codes = self._codes[self._turn % 2]
        mine = codes[self.rank][0]
        for rank in ranks:
            if codes[rank][0] != mine:
                tags = self._tags[self._turn % 2]
                raise collective_mismatch([text_of(tags[rank].tobytes()) for rank in ranks], numbers=ranks)
