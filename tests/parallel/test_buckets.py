"""Buckets cover the flat vector once, in order, whatever their size."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.parallel import make_buckets
from ddtrain.parallel.buckets import MAX_CELL
from ddtrain.param_store import ParamStore


def spans_of(sizes: list[int]) -> list[slice]:
    return ParamStore({str(i): np.zeros(n) for i, n in enumerate(sizes)}, {}).spans


@pytest.mark.parametrize("bucket_bytes", [1, 100, 4096, 1 << 30])
@pytest.mark.parametrize("sizes", [[5], [3, 0, 7], [0], [1000, 1, 64, 64, 2000], [10] * 50])
def test_every_parameter_is_in_one_bucket_and_buckets_tile_the_vector(sizes: list[int], bucket_bytes: int) -> None:
    spans = spans_of(sizes)
    buckets = make_buckets(spans, 4, bucket_bytes)
    assert sorted(i for b in buckets for i in b.members) == list(range(len(sizes)))
    edges = [0] + [b.span.stop for b in buckets]
    assert [b.span.start for b in buckets] == edges[:-1]
    assert edges[-1] == sum(sizes)
    for bucket in buckets:
        assert all(bucket.span.start <= spans[i].start and spans[i].stop <= bucket.span.stop for i in bucket.members)
    assert [b.index for b in buckets] == list(range(len(buckets)))


def test_bucket_0_holds_the_last_parameters_and_is_small() -> None:
    buckets = make_buckets(spans_of([MAX_CELL] * 20), 4, 8 * 4 * MAX_CELL)
    assert buckets[0].members == (19,)
    assert all(len(b.members) == 8 for b in buckets[1:-1])


def test_no_parameters_no_buckets() -> None:
    assert make_buckets([], 4, 100) == []


@pytest.mark.parametrize("bucket_bytes", [1, 100, 4096, 1 << 30])
@pytest.mark.parametrize("sizes", [[5], [3, 0, 7], [1000, 1, 64, 64, 2000], [10] * 50, [100_000, 3, 40_000]])
def test_cells_tile_the_vector_alike_whatever_the_buckets(sizes: list[int], bucket_bytes: int) -> None:
    cells = [cell for bucket in make_buckets(spans_of(sizes), 4, bucket_bytes) for cell in bucket.cells]
    assert cells == [cell for bucket in make_buckets(spans_of(sizes), 4, 1 << 20) for cell in bucket.cells]
    assert [cell.start for cell in cells] == [0, *(cell.stop for cell in cells[:-1])]
    assert cells[-1].stop == sum(sizes)
    assert all(0 < cell.stop - cell.start <= MAX_CELL for cell in cells)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_ranks_share_a_bucket_in_order(size: int) -> None:
    (bucket,) = make_buckets(spans_of([100_000, 3, 40_000]), 4, 1 << 30)
    shares = [bucket.share(rank, size) for rank in range(size)]
    assert sum(shares, ()) == bucket.cells
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
