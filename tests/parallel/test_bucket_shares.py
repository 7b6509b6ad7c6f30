"""Shares: the ranks of a node take all of a bucket once, and its nodes all of the sums once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ddtrain.parallel import make_buckets
from ddtrain.parallel.bucket_shares import BucketShares, joined, make_shares, run_of
from ddtrain.parallel.buckets import MAX_CELL, Bucket

SPANS = [slice(0, 5 * MAX_CELL), slice(5 * MAX_CELL, 5 * MAX_CELL + 3), slice(5 * MAX_CELL + 3, 9 * MAX_CELL)]
COUNT = 9 * MAX_CELL


def buckets(bucket_bytes: int = 1 << 30) -> list[Bucket]:
    return make_buckets(SPANS, 4, bucket_bytes)


def node(rank: int, column: tuple[int, int] | None) -> Any:
    """A rank of a node; its column is (own rank, size)."""
    return SimpleNamespace(rank=rank, column=column and SimpleNamespace(rank=column[0], size=column[1]))


def covered(spans: list[slice]) -> list[tuple[int, int]]:
    return [(span.start, span.stop) for span in sorted(spans, key=lambda span: span.start)]


def tiles(spans: list[slice], count: int) -> bool:
    """Whether they cover everything once."""
    edges = covered([span for span in spans if span.stop > span.start])
    return [a for a, _ in edges] == [0, *(b for _, b in edges[:-1])] and edges[-1][1] == count


@pytest.mark.parametrize("bucket_bytes", [1, 1 << 17, 1 << 30])
@pytest.mark.parametrize("columns", [1, 2, 3, 5])
def test_the_ranks_of_a_node_take_everything_once(bucket_bytes: int, columns: int) -> None:
    every = [make_shares(buckets(bucket_bytes), node(rank, (0, 2)), columns, scatter=False) for rank in range(columns)]
    assert tiles([run for share in every for run in share.runs], COUNT)
    assert tiles([span for share in every for span in share.spans], COUNT)
    assert all(share.kept == share.summed for share in every)


def test_a_rank_that_has_no_column_takes_nothing() -> None:
    shares = make_shares(buckets(1), node(2, None), columns=2, scatter=True)
    assert shares.spans == []
    assert all(run.start == run.stop for run in shares.runs)


@pytest.mark.parametrize("nodes", [2, 3, 4])
@pytest.mark.parametrize("columns", [1, 2])
def test_scattered_sums_are_kept_once_over_all_nodes(nodes: int, columns: int) -> None:
    every = [
        make_shares(buckets(), node(rank, (k, nodes)), columns, scatter=True)
        for rank in range(columns)
        for k in range(nodes)
    ]
    assert tiles([span for share in every for span in share.spans], COUNT)
    for share in every:
        for run, of_nodes in zip(share.runs, share.scattered, strict=True):
            assert tiles(of_nodes, run.stop - run.start), "counted from the start of the rank's run"


@pytest.mark.parametrize(("scatter", "size"), [(False, 3), (True, 1)])
def test_nothing_is_scattered_where_it_is_not_asked_for_or_there_is_one_node(scatter: bool, size: int) -> None:
    shares = make_shares(buckets(), node(0, (0, size)), 1, scatter)
    assert shares.kept_by_node == ()
    assert shares.spans == [slice(0, COUNT)]


def test_a_node_without_cells_of_a_bucket_has_an_empty_part_of_it() -> None:
    """One cell, two nodes: the second keeps nothing of it, and the slice that says so is empty."""
    (bucket,) = make_buckets([slice(0, 1)], 4, 1 << 30)
    shares = make_shares([bucket], node(0, (1, 2)), 1, scatter=True)
    sizes = [part.stop - part.start for part in shares.scattered[0]]
    assert sorted(sizes) == [0, 1]
    assert sum(span.stop - span.start for span in shares.spans) == sizes[1]


def test_cells_that_touch_become_one_slice() -> None:
    assert joined([slice(4, 6), slice(0, 2), slice(2, 4), slice(7, 8)]) == [slice(0, 6), slice(7, 8)]
    assert joined([]) == []
    assert run_of([slice(2, 3), slice(3, 9)]) == slice(2, 9)
    assert run_of([]) == slice(0, 0)


def test_a_share_knows_its_spans_over_all_buckets() -> None:
    shares = BucketShares(summed=((slice(4, 6),), (slice(0, 2), slice(2, 4))), kept=((slice(4, 6),), (slice(2, 4),)))
    assert shares.runs == [slice(4, 6), slice(0, 4)]
    assert shares.spans == [slice(2, 6)]
