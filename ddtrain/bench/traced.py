"""What a model says to other ranks inside its forward and backward passes, such as batch-norm's moments."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from ddtrain.ops.collectives import Collectives
from ddtrain.trainer.loop import Trainer


class Counting:
    """Collectives that note the bytes of each call, in order, and pass it on.

    >>> import numpy as np
    >>> from ddtrain.comm.local import LocalCommunicator
    >>> counting = Counting(LocalCommunicator())
    >>> counting.allreduce(np.zeros(3))
    >>> counting.calls
    [24]
    """

    def __init__(self, comm: Collectives) -> None:
        self._comm = comm
        self.rank, self.size = comm.rank, comm.size
        self.calls: list[int] = []

    def allreduce(self, buf: NDArray[Any]) -> None:
        """As that of :class:`~ddtrain.ops.collectives.Collectives`."""
        self.calls.append(buf.nbytes)
        self._comm.allreduce(buf)

    def allgather(self, send: NDArray[Any], out: NDArray[Any]) -> None:
        """Likewise; its bytes are those that arrive."""
        self.calls.append(out.nbytes)
        self._comm.allgather(send, out)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._comm, name)


def calls_in_trace(trainer: Trainer) -> list[int]:
    """Bytes of each collective inside one step, which is taken for it. Collective."""
    step_of: Any = trainer.step_of
    step_of.model_comm = counting = Counting(step_of.model_comm)
    try:
        trainer.train_step()
    finally:
        step_of.model_comm = counting._comm
    return counting.calls
