"""Gradient buckets: contiguous runs of the flat gradient vector, reduced as a unit.

Bucket 0 holds the last layers, whose gradients are finished first. Launch order is list order on every
rank, whatever the order of readiness (Note [Order of collectives] in ``parallel/reducer.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FIRST_FRACTION = 8  # the first bucket is this much smaller, so that communication starts early (DDP: 1 MiB, then 25)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A run ``span`` of the flat gradient vector, and the indices of the parameters inside."""

    index: int
    span: slice
    members: tuple[int, ...]


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
    in_layout = sorted(range(len(spans)), key=lambda i: (spans[i].start, spans[i].stop))
    buckets: list[Bucket] = []
    members: list[int] = []
    for i in in_layout:
        members.append(i)
        start, stop = spans[members[0]].start, spans[i].stop
        limit = bucket_bytes if buckets else bucket_bytes // FIRST_FRACTION
        if (stop - start) * itemsize >= limit or i == in_layout[-1]:
            buckets.append(Bucket(len(buckets), slice(start, stop), tuple(members)))
            members = []
    return buckets
