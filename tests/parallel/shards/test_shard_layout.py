"""Who computes which shards, and along which tree: all of them once, consecutive on a node."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.comm.reduction_tree import Block, ReductionTree, fold
from ddtrain.errors import UsageError
from ddtrain.parallel import make_shard_layout
from worlds import World

SPECS = ["local", "threads:2", "threads:3", "nodes:000", "nodes:0011", "nodes:0101", "nodes:00112", "nodes:01010"]


def layouts(spec: str, shards: int = 0, per_rank: int = 1) -> list[tuple[Any, Any]]:
    def body(comm: Any) -> tuple[Any, Any]:
        node = comm.split_nodes(1 << 20)
        return make_shard_layout(comm, node, shards, per_rank), (node.index, node.sizes)

    return World(spec).run(body)


@pytest.mark.parametrize("shards", [0, 5, 8, 13])
@pytest.mark.parametrize("spec", SPECS)
def test_every_shard_has_one_rank_and_all_ranks_know_it(spec: str, shards: int) -> None:
    found = layouts(spec, shards)
    count = shards or len(found)
    held = [shard for layout, _ in found for shard in layout.shards]
    assert sorted(held) == list(range(count))
    for layout, _ in found:
        assert layout.count == count
        assert layout.shards_by_rank == tuple(layout.shards for layout, _ in found)
        assert max(map(len, layout.shards_by_rank)) - min(map(len, layout.shards_by_rank)) <= 1


@pytest.mark.parametrize("shards", [0, 5, 8, 13])
@pytest.mark.parametrize("spec", SPECS)
def test_a_nodes_shards_are_consecutive(spec: str, shards: int) -> None:
    by_node: dict[int, list[int]] = {}
    for layout, (index, _) in layouts(spec, shards):
        by_node.setdefault(index, []).extend(layout.shards)
    for held in by_node.values():
        assert sorted(held) == list(range(min(held), max(held) + 1))


def total(blocks: dict[Block, Any], shards: int) -> Any:
    """The sum of all shards, from the sums of the subtrees that make them up."""
    out = np.empty(4)
    fold(tuple(sorted(blocks)), [blocks[block] for block in sorted(blocks)], (0, shards), out)
    return out


@pytest.mark.parametrize("shards", [5, 8, 13])
@pytest.mark.parametrize("spec", SPECS)
def test_sums_up_the_tree_have_the_bits_of_one_rank_with_all_shards(spec: str, shards: int) -> None:
    """On the rank, within its node, and across nodes."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((shards, 4)) * 10.0 ** rng.integers(-8, 8, (shards, 4))
    expected = total({(shard, shard + 1): row for shard, row in enumerate(rows)}, shards)
    found, of_ranks, of_nodes = layouts(spec, shards), dict[Block, Any](), dict[Block, Any]()
    for rank, (layout, _) in enumerate(found):
        assert layout.rank_tree.blocks[rank] == layout.blocks
        sums = layout.block_sums([rows[shard] for shard in layout.shards])
        of_ranks |= dict(zip(layout.blocks, sums, strict=True))
    np.testing.assert_array_equal(total(of_ranks, shards), expected)
    for layout, (index, _) in found:
        assert layout.node_tree.blocks[index] == layout.reduced_blocks
        for block in layout.reduced_blocks:
            of_nodes[block] = np.empty(4)
            fold(layout.node_blocks, [of_ranks[held] for held in layout.node_blocks], block, of_nodes[block])
    np.testing.assert_array_equal(total(of_nodes, shards), expected)


@pytest.mark.parametrize("spec", SPECS)
def test_a_shard_a_rank_is_one_row_of_each_and_one_of_the_node(spec: str) -> None:
    for layout, (_, sizes) in layouts(spec):
        assert len(layout.blocks) == 1
        assert len(layout.reduced_blocks) == 1, "so that one row crosses the network"
        assert layout.columns == min(sizes)
        assert layout.node_tree == ReductionTree.of_ranks(len(sizes))


@pytest.mark.parametrize("spec", SPECS)
def test_rows_of_a_node_are_found_by_their_owner(spec: str) -> None:
    for layout, (index, sizes) in layouts(spec, 13):
        assert len(layout.block_owners) == len(layout.node_blocks)
        assert {local for local, _ in layout.block_owners} == set(range(sizes[index]))


def test_several_pieces_a_rank_are_summed_on_it() -> None:
    for layout, _ in layouts("threads:3", per_rank=4):
        assert (layout.count, len(layout.shards), len(layout.blocks)) == (12, 4, 1)


def test_fewer_shards_than_ranks_is_one_line() -> None:
    with pytest.raises(UsageError, match=r"--run\.shards 2 is less than the 3 ranks that share them") as caught:
        layouts("threads:3", 2)
    assert caught.value.remedy == "Give at least 3, or start fewer ranks."
