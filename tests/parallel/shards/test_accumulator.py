"""Gradients of a rank's shards, added as they come: the bits of the tree, whatever the number of shards and blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.comm.reduction_tree import ReductionTree, cover, fold
from ddtrain.parallel.shards.accumulator import Accumulator, slots

SPANS, SHAPES = [slice(2, 8), slice(0, 2), slice(8, 9)], [(2, 3), (2,), ()]
COUNT = 9


def gradient(shard: int) -> Any:
    rng = np.random.default_rng(shard)
    return rng.standard_normal(COUNT) * 10.0 ** rng.integers(-8, 8, COUNT)


def accumulated(blocks: Any, steps: int = 1) -> tuple[list[Any], Accumulator]:
    rows = [np.full(COUNT, np.nan) for _ in blocks]
    accumulator = Accumulator(rows, blocks, SPANS, SHAPES)
    leaves = [shard for block in blocks for shard in range(*block)]
    for _ in range(steps):
        for k, shard in enumerate(leaves):
            for i, (span, shape) in enumerate(zip(SPANS, SHAPES, strict=True)):
                accumulator.add(k, i, gradient(shard)[span].reshape(shape))
    return rows, accumulator


@pytest.mark.parametrize("shards", range(1, 18))
def test_any_number_of_shards_has_the_bits_of_the_tree(shards: int) -> None:
    (row,), _ = accumulated(((0, shards),))
    expected = np.empty(COUNT)
    ReductionTree.of_ranks(shards).fold([gradient(shard) for shard in range(shards)], expected)
    np.testing.assert_array_equal(row, expected)


@pytest.mark.parametrize(("first", "last"), [(2, 5), (1, 7), (3, 11), (0, 3)])
def test_every_subtree_has_a_row(first: int, last: int) -> None:
    blocks = cover(first, last, 11)
    assert len(blocks) > 1
    rows, _ = accumulated(blocks)
    leaves = tuple((shard, shard + 1) for shard in range(first, last))
    for row, block in zip(rows, blocks, strict=True):
        expected = np.empty(COUNT)
        fold(leaves, [gradient(shard) for shard in range(first, last)], block, expected)
        np.testing.assert_array_equal(row, expected)


def test_another_step_begins_anew() -> None:
    np.testing.assert_array_equal(accumulated(((0, 6),), steps=2)[0], accumulated(((0, 6),))[0])


@pytest.mark.parametrize("absent", range(4))
def test_no_gradient_stands_for_zeros(absent: int) -> None:
    row = np.full(2, np.nan)
    accumulator = Accumulator([row], ((0, 4),), [slice(0, 2)], [(2,)])
    for k in range(4):
        accumulator.add(k, 0, None if k == absent else np.array([1.0, 10.0]))
    np.testing.assert_array_equal(row, [3.0, 30.0])


@pytest.mark.parametrize(("shards", "vectors"), [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2), (8, 3), (9, 3), (16, 4)])
def test_memory_grows_with_the_logarithm(shards: int, vectors: int) -> None:
    _, accumulator = accumulated(((0, shards),))
    levels = max(slot.level for slot in slots(((0, shards),)) if slot.merges == 0)
    assert levels + 1 == vectors
    assert accumulator.nbytes == vectors * COUNT * 8


def test_each_block_ends_on_its_row() -> None:
    for block in ((0, 1), (0, 5), (4, 8), (0, 13)):
        level = 0
        for slot in slots((block,)):
            assert slot.level == level
            level += 1 - slot.merges
        assert level == 1, "one sum is left, on the lowest level"
