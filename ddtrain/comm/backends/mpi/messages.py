"""Vectors between this rank and each of the others, as MPI messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ddtrain.comm.backends.mpi.library import MPI
from ddtrain.comm.protocol import Array

_TAGS = 32768  # the number of tags that the MPI standard guarantees

Test = Callable[[], bool]


class MpiMessages:
    """The messages of one communicator. Those of one collective share a tag that no other collective under way has."""

    def __init__(self, comm: MPI.Intracomm) -> None:
        self._comm, self.rank, self.size = comm, comm.rank, comm.size
        self._others = [r for r in range(self.size) if r != self.rank]
        self._collectives = 0

    def new_tag(self) -> int:
        """The tag of the next collective; the same on all ranks, because they begin collectives in the same order."""
        self._collectives += 1
        return self._collectives % _TAGS

    def exchange(self, send: Sequence[list[Array]], receive: Sequence[list[Array]], tag: int) -> Test:
        """Begin to send the vectors of ``send[r]`` to every other rank r, and to receive its ``receive[r]``."""
        requests = [self._comm.Irecv(as_bytes(part), r, tag) for r in self._others for part in receive[r]]
        requests += [self._comm.Isend(as_bytes(part), r, tag) for r in self._others for part in send[r]]
        return lambda: MPI.Request.Testall(requests)

    def shift(self, send: Array, out: Array, tag: int) -> Test:
        """Begin to send a vector to the next rank, and to receive one from the rank before."""
        before, after = (self.rank - 1) % self.size, (self.rank + 1) % self.size
        requests = [self._comm.Irecv(as_bytes(out), before, tag), self._comm.Isend(as_bytes(send), after, tag)]
        return lambda: MPI.Request.Testall(requests)


def as_bytes(vector: Array) -> Array:
    """The bytes of a vector, so that any dtype can be sent."""
    return vector.view(np.uint8)
