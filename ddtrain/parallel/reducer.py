"""The reducer: hears which gradients are finished and sums full buckets over the ranks while backward goes on.

Note [Order of collectives]
Collectives match by order, not by name: every rank must start them in the same order, but backward may finish
gradients in any. So buckets are started in index order only, and go over a communicator of their own: those that
belong to the traced function (batch-norm's) have another.

Note [Progress]
MPI moves a non-blocking reduction forward only inside MPI calls. ``ready`` is called between the leaves of
backward, and tests the reductions under way each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ddtrain.comm.protocol import Communicator, Work
from ddtrain.errors import ReplicaError
from ddtrain.parallel.buckets import Bucket
from ddtrain.parallel.hooks import Hook, exact_sum


class Reducer:
    """Sums gradient buckets over the ranks of ``comm``, which it has to itself.

    Parameters
    ----------
    grads : flat gradient vector; a bucket is a slice of it
    buckets : from :func:`make_buckets`
    """

    def __init__(self, grads: Any, buckets: Sequence[Bucket], comm: Communicator, hook: Hook = exact_sum) -> None:
        self.comm, self.hook = comm, hook
        self._pieces = [grads[bucket.span] for bucket in buckets]
        self._members = [len(bucket.members) for bucket in buckets]
        self._bucket_of = {i: bucket.index for bucket in buckets for i in bucket.members}
        self._missing: list[int] = []
        self._next = len(buckets)
        self._works: list[Work] = []

    def start(self, totals: Any) -> None:
        """Begin a step: the small vector ``totals`` is summed first, hidden behind the whole of backward."""
        self._missing = list(self._members)
        self._next = 0
        self._works = [self.comm.iallreduce(totals)]

    def ready(self, i: int) -> None:
        """Gradient ``i`` is in its view. Starts every bucket whose turn has come."""
        missing = self._missing
        missing[self._bucket_of[i]] -= 1
        while self._next < len(missing) and missing[self._next] == 0:
            self._works.append(self.hook(self._pieces[self._next], self.comm))
            self._next += 1
        self.comm.progress()

    def finish(self) -> None:
        """Wait until every bucket holds its sum.

        Raises
        ------
        ReplicaError : a gradient of this step was never reported
        """
        if self._next < len(self._missing):
            left = sum(n > 0 for n in self._missing)
            raise ReplicaError(f"reducer: backward ended with {left} of {len(self._missing)} buckets incomplete")
        for work in self._works:
            work.wait()
        self._works = []
