"""Which part of each bucket a rank sums and updates: consecutive cells, its share among the ranks of its node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ddtrain.comm.protocol import Node
from ddtrain.parallel.buckets import Bucket
from ddtrain.partition import part_bounds

Cells = tuple[slice, ...]


@dataclass(frozen=True)
class BucketShares:
    """One rank's share of every bucket.

    Attributes
    ----------
    summed : for each bucket, the cells that this rank sums over its node and exchanges with its column; none if it
        has no column
    kept : for each bucket, the cells in which this rank gets the sum over all ranks: all cells of ``summed``, or only
        this node's part of them if the sums are scattered
    kept_by_node : for each bucket, the part of the column's sum that each node keeps; empty if every node keeps all
    """

    summed: tuple[Cells, ...]
    kept: tuple[Cells, ...]
    kept_by_node: tuple[tuple[Cells, ...], ...] = ()

    @property
    def runs(self) -> list[slice]:
        """For each bucket, the cells that this rank sums, as one slice of the flat vector."""
        return [run_of(cells) for cells in self.summed]

    @property
    def spans(self) -> list[slice]:
        """The elements that this rank keeps, in as few slices of the flat vector as possible."""
        return joined([cell for cells in self.kept for cell in cells])

    @property
    def scattered(self) -> list[list[slice]]:
        """For each bucket and node, the slice that the node keeps, counted from the start of this rank's ``run``."""
        return [
            [_within(run, cells) for cells in of_nodes]
            for run, of_nodes in zip(self.runs, self.kept_by_node, strict=True)
        ]


def make_shares(buckets: Sequence[Bucket], node: Node, columns: int, scatter: bool) -> BucketShares:
    """This rank's share of every bucket.

    Parameters
    ----------
    columns : how many ranks of each node (the first ones) share the work and exchange sums with their column
    scatter : each node keeps only a part of the sums (reduce-scatter instead of allreduce)

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> from ddtrain.parallel import make_buckets
    >>> buckets = make_buckets([slice(0, 4), slice(4, 8)], itemsize=4, bucket_bytes=16)
    >>> make_shares(buckets, LocalCommunicator().split_nodes(), columns=1, scatter=False).runs
    [slice(0, 4, None), slice(4, 8, None)]
    """
    summed = tuple(bucket.share(node.rank, columns) if node.rank < columns else () for bucket in buckets)
    column = node.column
    if column is None or column.size == 1 or not scatter:
        return BucketShares(summed, kept=summed)
    by_node = tuple(tuple(_part(cells, k, column.size) for k in range(column.size)) for cells in summed)
    return BucketShares(summed, tuple(of_nodes[column.rank] for of_nodes in by_node), by_node)


def run_of(cells: Sequence[slice]) -> slice:
    """Consecutive cells as one slice; without cells, an empty slice."""
    return slice(cells[0].start, cells[-1].stop) if cells else slice(0, 0)


def joined(cells: Sequence[slice]) -> list[slice]:
    """The same elements in as few slices as possible.

    >>> joined([slice(4, 6), slice(0, 2), slice(2, 3)])
    [slice(0, 3, None), slice(4, 6, None)]
    """
    joined: list[slice] = []
    for cell in sorted(cells, key=lambda cell: cell.start):
        if joined and joined[-1].stop == cell.start:
            joined[-1] = slice(joined[-1].start, cell.stop)
        else:
            joined.append(cell)
    return joined


def _part(cells: Cells, part: int, parts: int) -> Cells:
    return cells[slice(*part_bounds(len(cells), part, parts))]


def _within(run: slice, cells: Sequence[slice]) -> slice:
    part = run_of(cells)
    return slice(part.start - run.start, part.stop - run.start) if cells else slice(0, 0)
