"""A slice of the exact sum for each rank, with its bits; what is other ranks' stays as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.comm.reduction_tree import ReductionTree
from ddtrain.parallel.hooks import GradBucket
from ddtrain.parallel.hooks.reduce_scatter import ReduceScatterSum
from worlds import World

SLICES = {  # by number of ranks: uneven, and one that is empty
    2: [slice(0, 3), slice(3, 7)],
    3: [slice(0, 5), slice(5, 5), slice(5, 7)],
    5: [slice(0, 1), slice(1, 3), slice(3, 4), slice(4, 5), slice(5, 7)],
}


def gradient(rank: int) -> Any:
    rng = np.random.default_rng(rank)
    return rng.standard_normal(7) * 10.0 ** rng.integers(-8, 8, 7)


@pytest.mark.parametrize("size", SLICES)
def test_each_rank_has_its_slice_of_the_sum(size: int) -> None:
    def body(comm: Any) -> tuple[Any, int, int]:
        hook = ReduceScatterSum([SLICES[size]])
        bucket = GradBucket(gradient(comm.rank), start=0)
        hook(bucket, comm).wait()
        return bucket.gradients, hook.bytes_sent, hook.bytes_exact

    expected = np.empty(7)
    ReductionTree.of_ranks(size).fold([gradient(rank) for rank in range(size)], expected)
    longest = max(part.stop - part.start for part in SLICES[size])
    for rank, (found, sent, exact) in enumerate(World(f"threads:{size}").run(body)):
        own = np.zeros(7, bool)
        own[SLICES[size][rank]] = True
        np.testing.assert_array_equal(found[own], expected[own])
        np.testing.assert_array_equal(found[~own], gradient(rank)[~own])
        assert (sent, exact) == (8 * longest * (size - 1), 2 * 56 * (size - 1) // size)


def test_buckets_under_way_at_once_may_be_awaited_in_any_order() -> None:
    def body(comm: Any) -> list[Any]:
        hook = ReduceScatterSum([[slice(0, 1), slice(1, 2)]] * 3)
        buckets = [GradBucket(np.full(2, 10.0**k * (comm.rank + 1)), start=2 * k, index=k) for k in range(3)]
        works = [hook(bucket, comm) for bucket in buckets]
        for work in works[::-1] if comm.rank else works:
            work.wait()
        return [bucket.gradients[comm.rank] for bucket in buckets]

    assert World("threads:2").run(body) == [[3.0, 30.0, 300.0]] * 2
