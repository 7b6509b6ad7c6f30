"""A world of N ranks in which nothing is sent: what a run would cost if communication were free.

The difference between a run and its null run, same batch and same N, is exposed communication.
"""

from __future__ import annotations

from ddtrain.comm.backends.local import LocalCommunicator


class NullCommunicator(LocalCommunicator):
    """Rank 0 of N, alone: sums are its own buffer, gathered rows are N copies of its own.

    It shows the speed only; the numbers are wrong. The rank computes its own shard of every batch and the other shards
    are missing, so losses and gradients, which are divided by the global count, are about 1/N of their size. Do not
    read the metrics of such a run, and do not keep its checkpoints.

    >>> NullCommunicator(3).exchange_objects("mine")
    ['mine', 'mine', 'mine']
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.spec = f"null:{size}"

    def duplicate(self) -> NullCommunicator:
        """Another rank 0 of N."""
        return NullCommunicator(self.size)
