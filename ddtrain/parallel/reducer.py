"""The reducer: hears which gradients are finished and sums full buckets over the ranks while backward goes on.

Note [Order of collectives]
Collectives match by order, not by name: every rank must start them in the same order, but backward may finish
gradients in any. So buckets are started in index order only, and go over a communicator of their own: those that
belong to the traced function (batch-norm's) have another.

Note [Progress]
MPI moves a non-blocking reduction forward only inside MPI calls. ``ready`` is called between the leaves of
backward, and tests the reductions under way each time.

Note [Node reduction]
Within a node nothing is sent. Each rank's gradients lie in memory that all of its node can read, and a counter tells
how many of its buckets are complete. Once a bucket is complete on all of them, each rank sums its share of it over
everybody's rows, into its own row, which nobody else reads there; across nodes it goes on with the ranks of the same
place. What a rank ends up with is the sum over all ranks of its share of the vector, ``spans``, and that share of the
parameters is its to update. A row may be written again once the step's control has come: by then everybody has summed.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ddtrain.comm.protocol import Communicator, Node, Work
from ddtrain.comm.tree import fold
from ddtrain.errors import ReplicaError
from ddtrain.kernels import update
from ddtrain.parallel.buckets import Bucket
from ddtrain.parallel.hooks import Hook, exact_sum
from ddtrain.parallel.place import Place

Array = NDArray[Any]
READY, NORM, UPDATED, TOTALS, MODEL, CONTROL = range(6)  # a node's counters: buckets complete, norms, updates, totals;
# and what is exchanged inside the model and by the coordinator (``nearby.py``)


class Watcher(Protocol):
    """Who wants to know when a bucket, by its index, is on its way, and when a rank adds."""

    def launched(self, bucket: int, nbytes: int) -> None: ...
    def done(self, bucket: int) -> None: ...
    def span(self, name: str, began: float) -> None: ...


class Reducer:
    """Sums gradient buckets over the ranks of ``comm``, which it has to itself.

    Parameters
    ----------
    parts : gradient rows by local rank: (blocks of that rank, n), from :func:`alloc_rows`
    buckets : from :func:`make_buckets`
    hook : how a share of a bucket becomes the sum over nodes

    Attributes
    ----------
    spans : the share of the flat vector in which this rank holds the sum after :meth:`finish`
    watcher : told of every bucket, where there is one
    """

    def __init__(
        self,
        parts: Sequence[Array],
        buckets: Sequence[Bucket],
        comm: Communicator,
        node: Node,
        place: Place,
        hook: Hook = exact_sum,
    ) -> None:
        self.comm, self.node, self.place, self.hook = comm, node, place, hook
        self.grads: Array = parts[node.rank][0]
        self._parts = parts
        self._members = [len(bucket.members) for bucket in buckets]
        self._buckets_of: dict[int, int] = {i: bucket.index for bucket in buckets for i in bucket.members}
        carries = node.rank < place.carriers
        self._shares = [bucket.share(node.rank, place.carriers) if carries else () for bucket in buckets]
        self.spans = _joined([cell for shared in self._shares for cell in shared])
        cells = [cell for bucket in buckets for cell in bucket.cells]
        self._own_cells = [cell for shared in self._shares for cell in shared]
        mine = {cell.start for cell in self._own_cells}
        self._own = [k for k, cell in enumerate(cells) if cell.start in mine]
        self._norms = node.alloc(len(cells) if node.rank == 0 else 0, np.float64)[0]
        self._sums = [self._rows(_hull(cells)) for cells in self._shares]
        self._missing: list[int] = []
        self._next = self._folded = len(buckets)
        self._steps = 0
        self._works: list[Work] = []
        self._totals: list[Array] | None = None  # rows by local rank, where all ranks share memory
        self._wanted: Array | None = None  # where their sum is to go
        self.watcher: Watcher | None = None
        self._bytes = [parts[node.rank][0][bucket.span].nbytes for bucket in buckets]
        self._flying: dict[int, Work | None] = {}  # what the watcher has not heard the end of

    def _rows(self, span: slice) -> list[Array]:
        return [self._parts[local][row][span] for local, row in self.place.holders]

    def start(self, rows: Sequence[Array], totals: Array) -> None:
        """Begin a step: ``rows``, for each block of this rank, are summed into the small vector ``totals``.

        This goes first, hidden behind the whole of backward.
        """
        self._missing = list(self._members)
        self._next = self._folded = 0
        self._steps += 1
        if self.node.size == self.comm.size:
            self._write_totals(rows, totals)
            self._works = []
        else:
            self._works = [self.comm.isum(rows, self.place.world, totals)]

    def ready(self, i: int) -> None:
        """Gradient ``i`` of all of this rank's shards is in its rows. Starts every bucket whose turn has come."""
        missing = self._missing
        missing[self._buckets_of[i]] -= 1
        if self._next < len(missing) and missing[self._next] == 0:
            while self._next < len(missing) and missing[self._next] == 0:
                if self.watcher is not None:
                    self.watcher.launched(self._next, self._bytes[self._next])
                self._next += 1
            self.node.post(READY, self._goal(self._next))
        self.progress()

    def progress(self) -> None:
        """Sum what is complete on the whole node, and move along what is on its way."""
        while self._folded < self._next and self.node.reached(READY, self._goal(self._folded + 1)):
            self._fold()
        self.comm.progress()
        if self._flying:
            self._tell()

    def finish(self) -> None:
        """Wait until this rank holds the sum of its share of every bucket.

        Raises
        ------
        ReplicaError : a gradient of this step was never reported
        """
        if self._next < len(self._missing):
            left = sum(n > 0 for n in self._missing)
            raise ReplicaError(f"reducer: backward ended with {left} of {len(self._missing)} buckets incomplete")
        while self._folded < len(self._missing):
            self.node.wait(READY, self._goal(self._folded + 1))
            self._fold()
        self._read_totals()
        for work in self._works:
            work.wait()
            if self._flying:
                self._tell()
        self._works = []

    def square_norm(self) -> float:
        """The squared norm of the whole sum, the same bits on every rank, at any number of ranks (Note [Cells])."""
        self._norms[self._own] = update.square_norms(self.grads, self._own_cells)
        self.node.post(NORM, self._steps)
        self.node.wait(NORM, self._steps)
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.add.reduce(self._norms))

    def updated(self) -> None:
        """This rank has updated its spans; return when the node has updated all of them."""
        self.node.post(UPDATED, self._steps)
        self.node.wait(UPDATED, self._steps)

    def _write_totals(self, rows: Sequence[Array], totals: Array) -> None:
        if self._totals is None or self._totals[0].shape[1] != totals.size:
            parts = self.node.alloc(len(rows) * totals.size, totals.dtype)
            self._totals = [part.reshape(-1, totals.size) for part in parts]
        for mine, row in zip(self._totals[self.node.rank], rows, strict=True):
            mine[...] = row
        self.node.post(TOTALS, self._steps)
        self._wanted = totals

    def _read_totals(self) -> None:
        if self._wanted is not None and self._totals is not None:
            self.node.wait(TOTALS, self._steps)
            rows = [self._totals[local][row] for local, row in self.place.holders]
            fold(self.place.inside, rows, self.place.targets[0], self._wanted)
            self._wanted = None

    def _goal(self, buckets: int) -> int:
        """The counter's value when so many buckets of this step are complete."""
        return (self._steps - 1) * len(self._members) + buckets

    def _fold(self) -> None:
        """Sum the next bucket over the node, and send it on its way across nodes."""
        bucket, began = self._folded, perf_counter()
        work = self._sum(bucket)
        if work is not None:
            self._works.append(work)
        self._folded += 1
        if self.watcher is not None:
            self.watcher.span("sum", began)
            self._flying[bucket] = work
            self._tell()

    def _sum(self, bucket: int) -> Work | None:
        """This rank's share of a bucket; returns what is still on its way, if anything."""
        span, rows = _hull(self._shares[bucket]), self._sums[bucket]
        place, column = self.place, self.node.column
        if column is None or span.start == span.stop:
            return None
        out = self.grads[span]
        if place.targets == place.inside:  # one rank a node: its rows are the node's
            sums = rows
        elif len(place.targets) == 1:
            fold(place.inside, rows, place.targets[0], out)
            sums = [out]
        else:  # several subtrees, and no row may be written before all are summed
            sums = [np.empty_like(out) for _ in place.targets]
            for target, sum_n in zip(place.targets, sums, strict=True):
                fold(place.inside, rows, target, sum_n)
        if column.size == 1:
            return None
        one_row = len(place.across.rows) == column.size
        return self.hook(sums[0], column) if one_row else column.isum(sums, place.across, out)

    def _tell(self) -> None:
        """Tell the watcher which buckets have arrived."""
        for bucket in [bucket for bucket, work in self._flying.items() if work is None or work.test()]:
            del self._flying[bucket]
            if self.watcher is not None:
                self.watcher.done(bucket)


def alloc_rows(node: Node, place: Place, n: int, dtype: np.dtype[Any]) -> list[Array]:
    """Gradient rows of every rank of the node, in memory that all of them read: (blocks of that rank, n) each."""
    return [part.reshape(-1, n) if n else part.reshape(1, 0) for part in node.alloc(len(place.blocks) * n, dtype)]


def _hull(cells: Sequence[slice]) -> slice:
    return slice(cells[0].start, cells[-1].stop) if cells else slice(0, 0)


def _joined(cells: Sequence[slice]) -> list[slice]:
    """The same elements in as few slices as possible."""
    joined: list[slice] = []
    for cell in sorted(cells, key=lambda cell: cell.start):
        if joined and joined[-1].stop == cell.start:
            joined[-1] = slice(joined[-1].start, cell.stop)
        else:
            joined.append(cell)
    return joined
