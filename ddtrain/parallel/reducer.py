"""The reducer: hears which gradients are finished and sums full buckets over the ranks while backward goes on.

A step calls ``start``, ``ready(i)`` when gradient i is finished, or several are, and ``finish``; after the update,
``wait_updated``. Its totals have a reducer of their own (``totals_reducer.py``).

Note [Order of collectives]
Collectives match by order, not by name: every rank must start them in the same order, but backward may finish
gradients in any. So buckets are started in index order only, and go over communicators that nothing else uses: the
collectives inside the model (batch-norm's) and the totals have their own.

Note [Progress]
MPI moves a non-blocking reduction forward only inside MPI calls. ``ready`` is called between the leaves of
backward, and tests the reductions under way each time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ddtrain.comm.protocol import Node, Work
from ddtrain.errors import ReplicaError
from ddtrain.parallel.bucket_shares import make_shares
from ddtrain.parallel.bucket_sum import BucketSum, Parameters
from ddtrain.parallel.buckets import Bucket
from ddtrain.parallel.gradient_norm import GradientNorm
from ddtrain.parallel.hooks import ExactSum, Hook
from ddtrain.parallel.node_counters import REDUCERS
from ddtrain.parallel.shards.shard_layout import ShardLayout

Array = NDArray[Any]


class Watcher(Protocol):
    """An observer that is told when a bucket is launched and done, by its index, and when this rank sums."""

    def launched(self, bucket: int, nbytes: int) -> None: ...
    def done(self, bucket: int) -> None: ...
    def span(self, name: str, began: float) -> None: ...


class Reducer:
    """Sums gradient buckets over the ranks of a node and of its column. Making one is collective.

    Parameters
    ----------
    rows : gradient rows by local rank: (blocks of that rank, n), from :func:`alloc_rows`
    buckets : from :func:`make_buckets`
    progress : drives all of this rank's pending collectives (``comm.progress``)
    hook : sums a share of a bucket over nodes, if each node sends one row; the exact sum by default
    parameters : spans and shapes of the parameters, for hooks that need them
    scatter : each node keeps only a part of each bucket's sum (reduce-scatter instead of allreduce)
    number : index into ``REDUCERS``, the node's counters; reducers that work at the same time need different ones

    Attributes
    ----------
    grads : this rank's first row
    spans : the parts of the flat vector in which ``grads`` holds the sum after :meth:`finish`
    buckets, shares : what the flat vector is cut into, and which parts are this rank's
    sums : makes the sum of one bucket
    predecessor : a reducer that may still be summing an earlier step; its buckets go first
    watcher : told of every bucket, if it is set

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> from ddtrain.parallel import make_buckets, make_shard_layout
    >>> comm = LocalCommunicator()
    >>> node = comm.split_nodes()
    >>> layout = make_shard_layout(comm, node)
    >>> rows = alloc_rows(node, layout, 3, np.dtype(float))
    >>> reducer = Reducer(rows, make_buckets([slice(0, 3)], 8, bucket_bytes=64), node, layout, comm.progress)
    >>> reducer.start()
    >>> reducer.grads[:] = 1, 2, 2
    >>> reducer.ready(0)
    >>> reducer.finish()
    >>> reducer.square_norm()
    9.0
    """

    def __init__(
        self,
        rows: Sequence[Array],
        buckets: Sequence[Bucket],
        node: Node,
        layout: ShardLayout,
        progress: Callable[[], None],
        hook: Hook | None = None,
        parameters: Parameters = ((), ()),
        scatter: bool = False,
        number: int = 0,
    ) -> None:
        self.node, self.layout = node, layout
        self.grads: Array = rows[node.rank][0]
        self.predecessor: Reducer | None = None
        self.watcher: Watcher | None = None
        self.buckets = buckets
        self.shares = shares = make_shares(buckets, node, layout.columns, scatter)
        self.spans = shares.spans
        self.sums = BucketSum(rows, shares, node, layout, hook or ExactSum(), parameters)
        self._counters = REDUCERS[number]
        self._norm = GradientNorm(buckets, shares, node, self._counters.norm)
        self._progress = progress
        self._members = [len(bucket.members) for bucket in buckets]
        self._bucket_of: dict[int, int] = {i: bucket.index for bucket in buckets for i in bucket.members}
        self._bytes = [self.grads[bucket.span].nbytes for bucket in buckets]
        self._missing: list[int] = []  # for each bucket, how many of its gradients are still to come in this step
        self._complete = len(buckets)  # how many buckets, from the first on, are complete on this rank
        self._summed = len(buckets)  # how many buckets, from the first on, this rank has summed over its node
        self._steps = 0
        self._works: list[Work] = []
        # launched buckets of which the watcher has not yet been told the end
        self._in_flight: dict[int, Work | None] = {}

    @property
    def hook(self) -> Hook:
        """The hook in use: the one given, unless the sums are scattered."""
        return self.sums.hook

    def start(self) -> None:
        """Begin a step: no gradient has come yet."""
        self._missing = list(self._members)
        self._complete = self._summed = 0
        self._steps += 1
        self._works = []

    def ready(self, *gradients: int) -> None:
        """Say that gradients of all this rank's shards are in its rows; start every bucket whose turn has come."""
        missing, bucket_of = self._missing, self._bucket_of
        for i in gradients:
            missing[bucket_of[i]] -= 1
        if self._complete < len(missing) and missing[self._complete] == 0:
            while self._complete < len(missing) and missing[self._complete] == 0:
                if self.watcher is not None:
                    self.watcher.launched(self._complete, self._bytes[self._complete])
                self._complete += 1
            self.node.post(self._counters.ready, self._count_at(self._complete))
        self.progress()

    def progress(self) -> None:
        """Sum the buckets that are complete on the whole node, and drive pending collectives."""
        # the predecessor's collectives go first, in the same order on every rank
        if self.predecessor is None or self.predecessor.sum_complete():
            self.sum_complete()
        self._progress()
        self.hook.progress()
        if self._in_flight:
            self._tell_watcher()

    def sum_complete(self) -> bool:
        """Sum the buckets that are complete on the whole node; True if all buckets of the step are summed."""
        while self._summed < self._complete and self.node.reached(
            self._counters.ready, self._count_at(self._summed + 1)
        ):
            self._sum_next()
        return self._summed == len(self._members)

    def finish(self) -> None:
        """Wait until this rank holds the sum of its share of every bucket.

        Raises
        ------
        ReplicaError : a gradient of this step was never reported
        """
        if self._complete < len(self._missing):
            left = sum(n > 0 for n in self._missing)
            raise ReplicaError(f"reducer: backward ended with {left} of {len(self._missing)} buckets incomplete")
        while self._summed < len(self._missing):
            self.node.wait(self._counters.ready, self._count_at(self._summed + 1))
            self._sum_next()
        for work in self._works:
            work.wait()
            if self._in_flight:
                self._tell_watcher()
        self._works = []

    def square_norm(self) -> float:
        """The squared norm of the whole sum, the same bits on every rank, at any number of ranks. Collective."""
        return self._norm.square(self.grads)

    def wait_updated(self) -> None:
        """Say that this rank has updated its spans, and return when all ranks of the node have updated theirs."""
        self.node.post(self._counters.updated, self._steps)
        self.node.wait(self._counters.updated, self._steps)

    def load_sum(self, gradients: Array) -> None:
        """Copy this vector's spans as if a step had just summed them, when a run is resumed."""
        for span in self.spans:
            self.grads[span] = gradients[span]
        self._steps += 1
        self._missing = [0] * len(self._members)
        self._complete = self._summed = len(self._members)
        self.node.post(self._counters.ready, self._count_at(self._complete))

    def _count_at(self, buckets: int) -> int:
        """The counter's value when so many buckets of this step are complete."""
        return (self._steps - 1) * len(self._members) + buckets

    def _sum_next(self) -> None:
        """Sum the next bucket over the node, and start its exchange across nodes."""
        bucket, began = self._summed, perf_counter()
        work = self.sums.begin(bucket)
        if work is not None:
            self._works.append(work)
        self._summed += 1
        if self.watcher is not None:
            self.watcher.span("sum", began)
            self._in_flight[bucket] = work
            self._tell_watcher()

    def _tell_watcher(self) -> None:
        """Tell the watcher which buckets have arrived."""
        for bucket in [bucket for bucket, work in self._in_flight.items() if work is None or work.test()]:
            del self._in_flight[bucket]
            if self.watcher is not None:
                self.watcher.done(bucket)


def alloc_rows(node: Node, layout: ShardLayout, n: int, dtype: np.dtype[Any]) -> list[Array]:
    """Gradient rows of every rank of the node in shared memory, each of shape (blocks of that rank, n).

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> from ddtrain.parallel import make_shard_layout
    >>> comm = LocalCommunicator()
    >>> node = comm.split_nodes()
    >>> [rows.shape for rows in alloc_rows(node, make_shard_layout(comm, node), 5, np.dtype(float))]
    [(1, 5)]
    """
    return [part.reshape(-1, n) if n else part.reshape(1, 0) for part in node.alloc(len(layout.blocks) * n, dtype)]
