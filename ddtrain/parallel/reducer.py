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
from ddtrain.comm.reduction_tree import bounds, fold
from ddtrain.errors import ReplicaError
from ddtrain.kernels import optimizer_update
from ddtrain.parallel.buckets import Bucket
from ddtrain.parallel.hooks import ExactSum, Hook, make_piece
from ddtrain.parallel.hooks.reduce_scatter import ScatterSum
from ddtrain.parallel.shard_layout import Place

Array = NDArray[Any]
Layout = tuple[Sequence[slice], Sequence[tuple[int, ...]]]
READY, NORM, UPDATED, TOTALS, MODEL, CONTROL = range(6)  # a node's counters: buckets complete, norms, updates, totals;
# and what is exchanged inside the model and by the coordinator (``nearby.py``)
_ROOM = 1 << 12  # numbers of a row of totals that go through memory; longer ones are sent
_SECOND = 6  # of a second reducer at work beside the first: its READY and so on begin here
_ALIKE = "Return the same metrics from every call of the loss."


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
    hook : how a share of a bucket becomes the sum over nodes, where a node sends one row; exactly unless told
    layout : spans and shapes of the parameters, for hooks that want to know
    divided : leave a share of each bucket's sum on each node, instead of all of it on all
    lane : which of the node's counters are used: reducers with steps under way at once have one each

    Attributes
    ----------
    spans : the share of the flat vector in which this rank holds the sum after :meth:`finish`
    behind : a reducer with an earlier step under way, whose buckets go first
    watcher : told of every bucket, where there is one
    """

    def __init__(
        self,
        parts: Sequence[Array],
        buckets: Sequence[Bucket],
        comm: Communicator,
        node: Node,
        place: Place,
        hook: Hook | None = None,
        layout: Layout = ((), ()),
        divided: bool = False,
        lane: int = 0,
    ) -> None:
        self.comm, self.node, self.place, self.hook = comm, node, place, hook or ExactSum()
        self.grads: Array = parts[node.rank][0]
        self._parts = parts
        self._members = [len(bucket.members) for bucket in buckets]
        self._buckets_of: dict[int, int] = {i: bucket.index for bucket in buckets for i in bucket.members}
        carries = node.rank < place.carriers
        self._shares = [bucket.share(node.rank, place.carriers) if carries else () for bucket in buckets]
        self.behind: Reducer | None = None
        self._counters = [lane * _SECOND + counter for counter in (READY, NORM, UPDATED, TOTALS)]
        hulls = [_hull(cells) for cells in self._shares]
        kept, self._divided = self._shares, divided and node.column is not None and node.column.size > 1
        if self._divided:
            kept = self._divide(hulls)
        if node.column is not None:
            self.hook.connect(node.column)
        self.spans = joined([cell for cells in kept for cell in cells])
        self._own_cells = [cell for cells in kept for cell in cells]
        number = {cell.start: k for k, cell in enumerate(cell for bucket in buckets for cell in bucket.cells)}
        self._own = [number[cell.start] for cell in self._own_cells]
        self._shared = [number[cell.start] for cells in self._shares for cell in cells]
        self._norms = node.alloc(len(number) if node.rank == 0 else 0, np.float64)[0]
        self._sums = [self._rows(hull) for hull in hulls]
        self._pieces = [make_piece(self.grads, hull, *layout, bucket) for bucket, hull in enumerate(hulls)]
        self._missing: list[int] = []
        self._next = self._folded = len(buckets)
        self._steps = 0
        self._works: list[Work] = []
        self._totals: list[Array] = []  # rows by local rank, where all ranks share memory; first, how long they are
        if node.size == comm.size:
            parts_of_totals = node.alloc(len(place.blocks) * (1 + _ROOM), np.float64)
            self._totals = [part.reshape(-1, 1 + _ROOM) for part in parts_of_totals]
        self._sent_totals = 0  # works that sum them, elsewhere
        self._wanted: tuple[Sequence[Array], Array] | None = None  # this rank's, and where their sum is to go
        self.watcher: Watcher | None = None
        self._bytes = [parts[node.rank][0][bucket.span].nbytes for bucket in buckets]
        self._flying: dict[int, Work | None] = {}  # what the watcher has not heard the end of

    def _divide(self, hulls: Sequence[slice]) -> list[tuple[slice, ...]]:
        """Of each share, the cells that stay with this node; and a hook that brings only their sums here."""
        column = self.node.column
        assert column is not None, "a rank that stands for its node"
        parts = [[_part(cells, rank, column.size) for rank in range(column.size)] for cells in self._shares]
        self.hook = ScatterSum(
            [[_within(hull, cells) for cells in of_ranks] for hull, of_ranks in zip(hulls, parts, strict=True)]
        )
        return [of_ranks[column.rank] for of_ranks in parts]

    def _rows(self, span: slice) -> list[Array]:
        return [self._parts[local][row][span] for local, row in self.place.holders]

    def start(self, rows: Sequence[Array], totals: Array) -> None:
        """Begin a step: ``rows``, for each block of this rank, are summed into the small vector ``totals``.

        This goes first, hidden behind the whole of backward.
        """
        self._missing = list(self._members)
        self._next = self._folded = 0
        self._steps += 1
        if self._totals:
            self._write_totals(rows, totals)
            self._works = []
        else:
            self._works = [self.comm.isum(rows, self.place.world, totals)]
        self._sent_totals = len(self._works)

    def ready(self, i: int) -> None:
        """Gradient ``i`` of all of this rank's shards is in its rows. Starts every bucket whose turn has come."""
        missing = self._missing
        missing[self._buckets_of[i]] -= 1
        if self._next < len(missing) and missing[self._next] == 0:
            while self._next < len(missing) and missing[self._next] == 0:
                if self.watcher is not None:
                    self.watcher.launched(self._next, self._bytes[self._next])
                self._next += 1
            self.node.post(self._counters[READY], self._goal(self._next))
        self.progress()

    def progress(self) -> None:
        """Sum what is complete on the whole node, and move along what is on its way."""
        if self.behind is None or self.behind.fold_complete():  # its collectives come first, on every rank
            self.fold_complete()
        self.comm.progress()
        self.hook.progress()
        if self._flying:
            self._tell()

    def fold_complete(self) -> bool:
        """Sum what is complete on the whole node; True if that was everything."""
        while self._folded < self._next and self.node.reached(self._counters[READY], self._goal(self._folded + 1)):
            self._fold()
        return self._folded == len(self._members)

    def sum_totals(self) -> None:
        """Wait for the totals of :meth:`start` alone."""
        self._read_totals()
        for work in self._works[: self._sent_totals]:
            work.wait()

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
            self.node.wait(self._counters[READY], self._goal(self._folded + 1))
            self._fold()
        self._read_totals()
        for work in self._works:
            work.wait()
            if self._flying:
                self._tell()
        self._works = []

    def square_norm(self) -> float:
        """The squared norm of the whole sum, the same bits on every rank, at any number of ranks (Note [Cells])."""
        self._norms[self._own] = optimizer_update.square_norms(self.grads, self._own_cells)
        if self._divided:
            self._complete_norms()
        self.node.post(self._counters[NORM], self._steps)
        self.node.wait(self._counters[NORM], self._steps)
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.add.reduce(self._norms))

    def updated(self) -> None:
        """This rank has updated its spans; return when the node has updated all of them."""
        self.node.post(self._counters[UPDATED], self._steps)
        self.node.wait(self._counters[UPDATED], self._steps)

    def take(self, gradients: Array) -> None:
        """Hold this vector's spans, as if a step had just put them there: of a run that goes on."""
        for span in self.spans:
            self.grads[span] = gradients[span]
        self._steps += 1
        self._missing = [0] * len(self._members)
        self._next = self._folded = len(self._members)
        self.node.post(self._counters[READY], self._goal(self._next))

    def _complete_norms(self) -> None:
        """Norms of the cells in this rank's share that other nodes have summed."""
        assert self.node.column is not None, "a rank that stands for its node"
        norms = np.zeros(len(self._shared))
        norms[np.isin(self._shared, self._own)] = self._norms[self._own]
        self.node.column.allreduce(norms)  # each is a sum of one number and zeros: exact
        self._norms[self._shared] = norms

    def _write_totals(self, rows: Sequence[Array], totals: Array) -> None:
        for mine, row in zip(self._totals[self.node.rank], rows, strict=True):
            mine[0] = row.size
            if row.size <= _ROOM:
                mine[1 : 1 + row.size] = row
        self.node.post(self._counters[TOTALS], self._steps)
        self._wanted = rows, totals

    def _read_totals(self) -> None:
        if self._wanted is None:
            return
        (mine, totals), self._wanted = self._wanted, None
        self.node.wait(self._counters[TOTALS], self._steps)
        rows = [self._totals[local][row] for local, row in self.place.holders]
        lengths = [int(row[0]) for row in rows]
        if lengths != [totals.size] * len(lengths):
            sides = ", ".join(f"rank {local} {n}" for (local, _), n in zip(self.place.holders, lengths, strict=True))
            raise ReplicaError(f"totals: ranks sum different numbers of figures: {sides}", remedy=_ALIKE)
        if totals.size <= _ROOM:
            fold(self.place.inside, [row[1 : 1 + totals.size] for row in rows], self.place.targets[0], totals)
        else:
            self.comm.isum(mine, self.place.world, totals).wait()

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
        piece, rows = self._pieces[bucket], self._sums[bucket]
        place, column, out = self.place, self.node.column, piece.gradients
        if column is None or not out.size:
            return None
        if place.targets == place.inside:  # one rank a node: its rows are the node's
            sums = rows
        elif len(place.targets) == 1:
            fold(place.inside, rows, place.targets[0], out)
            sums = [out]
        else:  # several subtrees, and no row may be written before all are summed
            sums = [np.empty_like(out) for _ in place.targets]
            for target, sum_n in zip(place.targets, sums, strict=True):
                fold(place.inside, rows, target, sum_n)
        if column.size == 1:  # nothing is left out, and what a run on more nodes has left out is made up for
            return None if self.hook.exact else self.hook(piece, column)
        if len(place.across.rows) == column.size:  # one row a node
            return self.hook(piece, column)
        sent = len(sums) * out.nbytes * (column.size - 1) // column.size  # slices of the rows, and one of their sum
        sent += out.nbytes * (column.size - 1) // column.size
        self.hook.bytes_sent += sent
        self.hook.bytes_exact += sent
        return column.isum(sums, place.across, out)

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


def _part(cells: tuple[slice, ...], rank: int, size: int) -> tuple[slice, ...]:
    """Consecutive cells of which node ``rank`` of ``size`` takes care, among those of a share."""
    return cells[slice(*bounds(len(cells), rank, size))]


def _within(hull: slice, cells: Sequence[slice]) -> slice:
    """The run of some cells, counted from the start of their hull."""
    return slice(cells[0].start - hull.start, cells[-1].stop - hull.start) if cells else slice(0, 0)


def joined(cells: Sequence[slice]) -> list[slice]:
    """The same elements in as few slices as possible."""
    joined: list[slice] = []
    for cell in sorted(cells, key=lambda cell: cell.start):
        if joined and joined[-1].stop == cell.start:
            joined[-1] = slice(joined[-1].start, cell.stop)
        else:
            joined.append(cell)
    return joined
