"""Small collectives as messages, for ranks that do not share memory: each carries a tag, which is compared first."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.comm.buffers import check_allgather, check_root, flat
from ddtrain.comm.protocol import Communicator, Work
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
EAGER_BYTES = 8 << 10  # of a call that begins before tags are compared


class MessageCollectives:
    """The small collectives of any ranks. Its methods: see :class:`~ddtrain.parallel.SmallCollectives`.

    Each rank sends its tag to the next, and the last one to the first: where any two ranks differ, two neighbours do,
    and one of these ends the run. A tag travels at the same time as the call that it describes, and is looked at first;
    of a large call it travels before, as a message that is larger than what waits for it may write over other memory
    (MPICH 5, beyond what it sends without asking). Tags have a communicator of their own, so that calls which do not
    belong together cannot take each other's tags.

    Parameters
    ----------
    comm : owned by this object
    """

    def __init__(self, comm: Communicator) -> None:
        self.comm, self.rank, self.size = comm, comm.rank, comm.size
        self._tags = comm.duplicate()
        self._ended: _TagExchange | None = None  # the exchange of END_OF_PASS tags that is under way

    @property
    def waited_s(self) -> float:
        """Seconds blocked."""
        return self.comm.waited_s + self._tags.waited_s

    def allreduce(self, buf: Array) -> None:
        if self.size > 1:
            self._exchange(tag_of("allreduce", buf.size, buf.dtype.char, LAYER.get()), self.comm.iallreduce, buf)

    def allgather(self, send: Array, out: Array, tag: Tag | None = None) -> None:
        check_allgather(send, out, self.size)
        tag = tag or tag_of("allgather", send.size, send.dtype.char, LAYER.get())
        self._exchange(tag, self.comm.iallgather, send, out)

    def broadcast(self, buf: Array, root: int = 0) -> None:
        """The root sends its tag in front of the buffer, in one message, so it need not wait for any rank."""
        check_root(root, self.size)
        vector = flat("broadcast", buf)
        tag = tag_of(f"broadcast from rank {root}", vector.size, vector.dtype.char, LAYER.get())
        message = np.empty(TAG_BYTES + vector.nbytes, np.uint8)
        message[:TAG_BYTES] = np.frombuffer(tag.raw, np.uint8)
        message[TAG_BYTES:] = vector.view(np.uint8)
        self.comm.broadcast(message, root)
        sent = message[:TAG_BYTES].tobytes()
        if sent != tag.raw:
            raise collective_mismatch([text_of(sent), tag.text], numbers=[root, self.rank])
        vector.view(np.uint8)[...] = message[TAG_BYTES:]

    def end_pass(self) -> None:
        self._check_end()
        self._ended = _TagExchange(self._tags, END_OF_PASS)

    def _exchange(self, tag: Tag, begin: Any, *buffers: Array) -> None:
        if self.size == 1:
            begin(*buffers).wait()
            return
        self._check_end()
        compared = _TagExchange(self._tags, tag)
        if max(buffer.nbytes for buffer in buffers) > EAGER_BYTES:
            compared.wait()
            begin(*buffers).wait()
            return
        work: Work = begin(*buffers)
        compared.wait()
        work.wait()

    def _check_end(self) -> None:
        if self._ended is not None:
            self._ended.wait()
            self._ended = None


class _TagExchange:
    """The exchange of one tag: this rank sends its tag to the next rank and receives that of the rank before."""

    def __init__(self, comm: Communicator, tag: Tag) -> None:
        self._tag, self._ranks = tag, ((comm.rank - 1) % comm.size, comm.rank)
        self._other = np.empty(TAG_BYTES, np.uint8)
        self._work = comm.ishift(np.frombuffer(tag.raw, np.uint8), self._other)

    def wait(self) -> None:
        """Wait for the other rank's tag, and raise if it differs from this rank's."""
        self._work.wait()
        other = self._other.tobytes()
        if other != self._tag.raw:
            raise collective_mismatch([text_of(other), self._tag.text], numbers=self._ranks)
