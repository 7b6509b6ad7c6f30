"""Gradient buckets: contiguous runs of the flat gradient vector, reduced as a unit, and the cells that they consist of.

Bucket 0 holds the last layers, whose gradients are finished first. Launch order is list order on every
rank, whatever the order of readiness (Note [Order of collectives] in ``parallel/reducer.py``).

Note [Cells]
A *cell* is a short run of the flat vector. The squared norm of the gradient is a sum over cells, so they are cut by the
model's layout alone, small parameters together and large ones divided: then neither the number of ranks nor the size of
buckets changes a bit of the norm. A bucket consists of whole cells, and so does the share of it that a rank sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ddtrain.partition import part_bounds

# the first bucket is this much smaller, so that communication starts early (DDP: 1 MiB, then 25)
FIRST_BUCKET_DIVISOR = 8
MAX_CELL = 1 << 14  # largest cell in elements: 64 KiB of float32 stay in the cache between the sum and its norm
MIN_CELLS = 8  # fewest cells of a small model, so that its ranks have something to share


@dataclass(frozen=True, slots=True)
class Bucket:
    """A run ``span`` of the flat gradient vector, the indices of the parameters inside, and its cells.

    >>> bucket = Bucket(0, slice(0, 6), (0,), (slice(0, 2), slice(2, 4), slice(4, 6)))
    >>> bucket.share(rank=1, size=2)
    (slice(2, 4, None), slice(4, 6, None))
    """

    index: int
    span: slice
    members: tuple[int, ...]
    cells: tuple[slice, ...]

    def share(self, rank: int, size: int) -> tuple[slice, ...]:
        """The consecutive cells that rank ``rank`` of ``size`` sums, possibly none."""
        return self.cells[slice(*part_bounds(len(self.cells), rank, size))]


def make_buckets(spans: Sequence[slice], itemsize: int, bucket_bytes: int) -> list[Bucket]:
    """Cut the flat vector into buckets of about ``bucket_bytes``, at parameter boundaries.

    Parameters
    ----------
    spans : where each parameter lies; together they cover the vector without gaps
    itemsize : bytes of one element
    bucket_bytes : a bucket is closed when it holds at least this many bytes (the first: an eighth of it)

    >>> [b.members for b in make_buckets([slice(4, 6), slice(2, 4), slice(0, 2)], itemsize=4, bucket_bytes=16)]
    [(2,), (1, 0)]
    """
    buckets: list[Bucket] = []
    members: list[int] = []
    cells: list[slice] = []
    for group, group_cells in _groups(spans):
        members += group
        cells += group_cells
        limit = bucket_bytes if buckets else bucket_bytes // FIRST_BUCKET_DIVISOR
        if (cells[-1].stop - cells[0].start) * itemsize >= limit:
            buckets.append(Bucket(len(buckets), slice(cells[0].start, cells[-1].stop), tuple(members), tuple(cells)))
            members, cells = [], []
    if members:
        buckets.append(Bucket(len(buckets), slice(cells[0].start, cells[-1].stop), tuple(members), tuple(cells)))
    return buckets


def _groups(spans: Sequence[slice]) -> list[tuple[list[int], list[slice]]]:
    """Parameters in the order of the layout, small ones together, and the cells of each group (Note [Cells])."""
    in_layout = sorted(range(len(spans)), key=lambda i: (spans[i].start, spans[i].stop))
    total = max((span.stop for span in spans), default=0)
    grain = max(1, min(MAX_CELL, -(-total // MIN_CELLS)))
    groups: list[tuple[list[int], list[slice]]] = []
    members: list[int] = []
    for i in in_layout:
        members.append(i)
        start, stop = spans[members[0]].start, spans[i].stop
        if stop - start >= grain or i == in_layout[-1]:
            pieces = max(1, -(-(stop - start) // grain))
            cuts = [part_bounds(stop - start, k, pieces) for k in range(pieces)]
            groups.append((members, [slice(start + first, start + last) for first, last in cuts]))
            members = []
    return groups
