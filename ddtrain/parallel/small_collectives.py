"""What ranks exchange inside the model, and rank 0's decisions: small collectives, each compared before it is believed.

Between ranks that share memory each writes, says so, and reads what the others wrote. Elsewhere messages do it.

Note [Two halves]
A rank writes into the two halves of its memory by turns. Before turn T it waits until all have counted turn T - 1: they
have then read what turn T - 2 left in the half that is written now. All but the slowest find that it is so.
"""

# P ranks

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ddtrain.comm.buffers import check_gather, check_root, flat
from ddtrain.comm.protocol import Communicator, Node, Work
from ddtrain.comm.reduction_tree import Tree
from ddtrain.current_layer import LAYER
from ddtrain.parallel.collective_tags import END, TAG_BYTES, Tag, difference, tag_of, text_of

Array = NDArray[Any]
LIMIT_BYTES = 1 << 16  # what a rank can say at once; more goes the usual way


class Collectives(Protocol):
    """What shards and the coordinator ask of a communicator. All calls of one kind, on all ranks (Note [Tags]).

    What is being called follows from the call and the layer at work, or is ``said``.

    Raises
    ------
    ReplicaError : ranks call different things
    """

    rank: int
    size: int

    @property
    def waited_s(self) -> float: ...
    def allreduce(self, buf: Array) -> None: ...
    def allgather(self, send: Array, out: Array, said: Tag | None = None) -> None: ...
    def broadcast(self, buf: Array, root: int = 0) -> None: ...
    def end(self) -> None:
        """Say that this rank has made all its calls of a pass through the model. Waits for nobody."""
        ...


def nearby(comm: Communicator, node: Node, counter: int) -> Collectives:
    """The communicator's small collectives, through memory where all ranks share it. Collective.

    Parameters
    ----------
    comm : owned by what is returned
    counter : one of the node's, used by nobody else
    """
    return Nearby(comm, node, counter) if node.size == comm.size > 1 else Messages(comm)


class Nearby:
    """Through memory. See :func:`nearby`, and :class:`Collectives` for the methods."""

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
        self._ended = False  # the last turn was an end, not compared yet

    @property
    def waited_s(self) -> float:
        """Seconds blocked in what went the usual way; what went through memory counts for the node."""
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
        Tree.ranks(self.size).fold(rows, vector)

    def allgather(self, send: Array, out: Array, said: Tag | None = None) -> None:
        check_gather(send, out, self.size)
        parts = self._begin(said or tag_of("allgather", send.size, send.dtype.char, LAYER.get()))
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

    def end(self) -> None:
        self._begin(END)
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
        """Look at some ranks' tags of the present turn, before anything else of it (Note [Tags])."""
        codes = self._codes[self._turn % 2]
        mine = codes[self.rank][0]
        for rank in ranks:
            if codes[rank][0] != mine:
                tags = self._tags[self._turn % 2]
                raise difference([text_of(tags[rank].tobytes()) for rank in ranks], numbers=ranks)


class Messages:
    """Through a communicator. See :func:`nearby`, and :class:`Collectives` for the methods.

    Each rank shows its tag to the next, and the last one to the first: where two of all ranks differ, two neighbours
    do, and one of these ends the run. Tags are on their way at the same time as what they are of, and looked at first;
    over a channel of their own, for calls that do not belong together leave theirs in disorder.
    """

    def __init__(self, comm: Communicator) -> None:
        self.comm, self.rank, self.size = comm, comm.rank, comm.size
        self._tags = comm.duplicate()
        self._ended: _Compared | None = None  # on its way

    @property
    def waited_s(self) -> float:
        """Seconds blocked."""
        return self.comm.waited_s + self._tags.waited_s

    def allreduce(self, buf: Array) -> None:
        if self.size > 1:
            self._exchange(tag_of("allreduce", buf.size, buf.dtype.char, LAYER.get()), self.comm.iallreduce, buf)

    def allgather(self, send: Array, out: Array, said: Tag | None = None) -> None:
        check_gather(send, out, self.size)
        tag = said or tag_of("allgather", send.size, send.dtype.char, LAYER.get())
        self._exchange(tag, self.comm.iallgather, send, out)

    def broadcast(self, buf: Array, root: int = 0) -> None:
        """The tag is in front of what the root sends, which waits for nobody."""
        check_root(root, self.size)
        vector = flat("broadcast", buf)
        tag = tag_of(f"broadcast from rank {root}", vector.size, vector.dtype.char, LAYER.get())
        message = np.empty(TAG_BYTES + vector.nbytes, np.uint8)
        message[:TAG_BYTES] = np.frombuffer(tag.raw, np.uint8)
        message[TAG_BYTES:] = vector.view(np.uint8)
        self.comm.broadcast(message, root)
        sent = message[:TAG_BYTES].tobytes()
        if sent != tag.raw:
            raise difference([text_of(sent), tag.text], numbers=[root, self.rank])
        vector.view(np.uint8)[...] = message[TAG_BYTES:]

    def end(self) -> None:
        self._look_at_end()
        self._ended = _Compared(self._tags, END)

    def _exchange(self, tag: Tag, begin: Any, *buffers: Array) -> None:
        if self.size == 1:
            begin(*buffers).wait()
            return
        self._look_at_end()
        compared = _Compared(self._tags, tag)
        work: Work = begin(*buffers)
        compared.wait()
        work.wait()

    def _look_at_end(self) -> None:
        if self._ended is not None:
            self._ended.wait()
            self._ended = None


class _Compared:
    """This rank's tag on its way to the next, and that of the rank before on its way here."""

    def __init__(self, comm: Communicator, tag: Tag) -> None:
        self._tag, self._ranks = tag, ((comm.rank - 1) % comm.size, comm.rank)
        self._other = np.empty(TAG_BYTES, np.uint8)
        self._work = comm.ishift(np.frombuffer(tag.raw, np.uint8), self._other)

    def wait(self) -> None:
        """Return when the other is here, and is the same."""
        self._work.wait()
        other = self._other.tobytes()
        if other != self._tag.raw:
            raise difference([text_of(other), self._tag.text], numbers=self._ranks)
