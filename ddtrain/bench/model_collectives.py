"""What a model says to other ranks inside its forward and backward passes, such as batch-norm's moments."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any, NamedTuple

from numpy.typing import NDArray

from ddtrain.comm.backends.link_model import Operation
from ddtrain.ops.collectives import Collectives
from ddtrain.trainer.loop import Trainer


class Call(NamedTuple):
    """A collective: when it began, bytes a rank, and whether no rank waits for it at once."""

    at_s: float
    operation: Operation
    nbytes: int
    hidden: bool = False


class Listening:
    """Collectives that note each call, and pass it on.

    >>> import numpy as np
    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> calls = []
    >>> Listening(LocalCommunicator(), calls).allreduce(np.zeros(3))
    >>> calls[0].operation, calls[0].nbytes
    ('sum', 24)
    """

    def __init__(self, comm: Collectives, calls: list[Any]) -> None:
        self._comm, self.calls = comm, calls
        self.rank, self.size = comm.rank, comm.size

    def allreduce(self, buf: NDArray[Any]) -> None:
        """As that of :class:`~ddtrain.ops.collectives.Collectives`."""
        self.calls.append(Call(perf_counter(), "sum", buf.nbytes))
        self._comm.allreduce(buf)

    def allgather(self, send: NDArray[Any], out: NDArray[Any], *said: Any) -> None:
        """Likewise."""
        self.calls.append(Call(perf_counter(), "allgather", send.nbytes))
        self._comm.allgather(send, out, *said)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._comm, name)


@contextmanager
def listening(trainer: Trainer) -> Iterator[list[Any]]:
    """The calls that the model makes meanwhile, as a list that grows."""
    shards: Any = trainer.train_step.shards
    calls: list[Any] = []
    before = shards.channel
    shards.channel = Listening(before, calls)
    try:
        yield calls
    finally:
        shards.channel = before
