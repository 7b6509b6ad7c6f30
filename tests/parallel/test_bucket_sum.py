"""The sum of one bucket: along the node's rows in tree order, then by the hook where a node sends one row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.comm.reduction_tree import ReductionTree
from ddtrain.parallel import alloc_rows, make_buckets, make_shard_layout
from ddtrain.parallel.bucket_shares import make_shares
from ddtrain.parallel.bucket_sum import BucketSum
from ddtrain.parallel.hooks.exact import ExactSum
from ddtrain.parallel.hooks.reduce_scatter import ReduceScatterSum
from worlds import World

COUNT = 12
SPANS, SHAPES = [slice(0, 5), slice(5, 12)], [(5,), (7,)]


class Counting(ExactSum):
    """Exact, and says how often it was called, and with what."""

    def __init__(self, exact: bool = True) -> None:
        super().__init__()
        self.exact, self.seen = exact, list[int]()

    def __call__(self, bucket: Any, comm: Any) -> Any:
        self.seen.append(bucket.gradients.size)
        return super().__call__(bucket, comm)


def gradient(leaf: int) -> Any:
    rng = np.random.default_rng(leaf)
    return rng.standard_normal(COUNT) * 10.0 ** rng.integers(-8, 8, COUNT)


def total(leaves: int) -> Any:
    out = np.empty(COUNT)
    ReductionTree.of_ranks(leaves).fold([gradient(leaf) for leaf in range(leaves)], out)
    return out


def summed(comm: Any, shards: int = 0, scatter: bool = False, hook: Any = None) -> tuple[Any, Any, BucketSum, Any]:
    """What this rank has in its row after both buckets, what it should be, and the hook that was given."""
    node = comm.split_nodes(1 << 20)
    layout = make_shard_layout(comm, node, shards)
    rows = alloc_rows(node, layout, COUNT, np.dtype(np.float64))
    buckets = make_buckets(SPANS, 8, 1)
    assert len(buckets) == 2
    shares, hook = make_shares(buckets, node, layout.columns, scatter), hook or Counting()
    sums = BucketSum(rows, shares, node, layout, hook, (SPANS, SHAPES))
    position = sum(node.sizes[: node.index]) + node.rank
    for row, (first, last) in zip(rows[node.rank], layout.blocks, strict=True):
        leaves = range(first, last) if shards else [position]
        ReductionTree.of_ranks(len(leaves)).fold([gradient(leaf) for leaf in leaves], row)
    comm.barrier()
    works = [sums.begin(bucket.index) for bucket in buckets]
    for work in works:
        if work is not None:
            work.wait()
    comm.barrier()
    return rows[node.rank][0].copy(), shares, sums, hook


@pytest.mark.parametrize("spec", ["local", "threads:2", "threads:3", "nodes:000", "nodes:0011", "nodes:00112"])
def test_a_rank_has_the_sum_of_all_in_its_share(spec: str) -> None:
    """Nodes of one and of two ranks: the node's sum and that over nodes make up the tree over all ranks."""
    ranks = World(spec)
    for found, shares, _, _ in ranks.run(summed):
        for span in shares.spans:
            np.testing.assert_array_equal(found[span], total(ranks.size)[span])


@pytest.mark.parametrize("shards", [4, 5, 7])
@pytest.mark.parametrize("spec", ["local", "threads:3", "nodes:0011", "nodes:001"])
def test_shards_are_summed_along_their_tree_whoever_has_them(spec: str, shards: int) -> None:
    for found, shares, _, _ in World(spec).run(lambda comm: summed(comm, shards)):
        for span in shares.spans:
            np.testing.assert_array_equal(found[span], total(shards)[span])


def test_a_hook_has_one_call_a_bucket_where_each_node_sends_one_row() -> None:
    for _, shares, sums, hook in World("nodes:0011").run(summed):
        assert sums.hook is hook
        assert hook.seen == [run.stop - run.start for run in shares.runs if run.stop > run.start]


@pytest.mark.parametrize(("exact", "calls"), [(True, 0), (False, 2)])
def test_on_one_node_only_a_hook_that_may_owe_something_is_called(exact: bool, calls: int) -> None:
    found, _, _, hook = World("local").run(lambda comm: summed(comm, hook=Counting(exact)))[0]
    assert len(hook.seen) == calls
    np.testing.assert_array_equal(found, total(1))


def test_a_hook_is_not_called_where_a_node_sends_several_rows() -> None:
    """Five shards on two nodes: rank 1 has two subtrees, so the tree across nodes sums, and counts its bytes."""
    for _, _, sums, hook in World("threads:2").run(lambda comm: summed(comm, 5)):
        assert hook.seen == []
        assert sums.hook.bytes_sent == sums.hook.bytes_exact > 0


@pytest.mark.parametrize("spec", ["threads:2", "threads:3", "nodes:0011"])
def test_scattered_sums_leave_each_node_its_part(spec: str) -> None:
    ranks = World(spec)
    held = np.zeros(COUNT, int)
    for found, shares, sums, hook in ranks.run(lambda comm: summed(comm, scatter=True)):
        assert isinstance(sums.hook, ReduceScatterSum)
        assert hook.seen == []
        for span in shares.spans:
            held[span] += 1
            np.testing.assert_allclose(found[span], total(ranks.size)[span], rtol=1e-12)
    np.testing.assert_array_equal(held, 1)
