"""The tree: its halves, the subtrees that cover a range, and sums that do not depend on who has added up what."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from ddtrain.comm import reduction_tree
from ddtrain.comm.reduction_tree import Block, ReductionTree, cover, fold, split


@pytest.mark.parametrize("n", range(2, 34))
def test_the_left_half_is_the_largest_power_of_two_below(n: int) -> None:
    (first, middle), (again, last) = split((5, 5 + n))
    assert (first, again, last) == (5, middle, 5 + n)
    left = middle - first
    assert left & (left - 1) == 0
    assert left < n <= 2 * left


def subtrees(block: Block) -> set[Block]:
    """All that a tree is made of."""
    if block[1] - block[0] < 2:
        return {block}
    left, right = split(block)
    return {block} | subtrees(left) | subtrees(right)


@pytest.mark.parametrize("leaves", [1, 2, 5, 6, 8, 13])
def test_a_range_is_covered_by_subtrees_and_no_fewer_would_do(leaves: int) -> None:
    every = subtrees((0, leaves))
    for first, last in itertools.combinations(range(leaves + 1), 2):
        blocks = cover(first, last, leaves)
        assert [b for b, _ in blocks] == [first, *(e for _, e in blocks[:-1])]
        assert blocks[-1][1] == last
        assert set(blocks) <= every
        assert not any((a, d) in every for (a, _), (_, d) in itertools.pairwise(blocks)), "two of them are one"


def test_an_empty_range_needs_nothing() -> None:
    assert cover(3, 3, 8) == ()


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_ranks_hold_all_leaves_once_in_order(size: int) -> None:
    rows = ReductionTree.of_shards(7, size).rows
    assert [first for first, _ in rows] == [0, *(last for _, last in rows[:-1])]
    assert rows[-1][1] == 7


def leaf(k: int, n: int) -> Any:
    rng = np.random.default_rng([k, n])
    return (rng.standard_normal(n) * 10.0 ** rng.integers(-5, 5, n)).astype(np.float32)


def spelled_out(block: Block, n: int) -> Any:
    if block[1] - block[0] == 1:
        return leaf(block[0], n)
    left, right = split(block)
    return spelled_out(left, n) + spelled_out(right, n)


@pytest.mark.parametrize("n", [0, 1, reduction_tree._CHUNK, reduction_tree._CHUNK + 1])
@pytest.mark.parametrize("leaves", [1, 2, 3, 6, 9])
def test_sums_have_the_same_bits_whoever_adds_up_the_leaves(leaves: int, n: int) -> None:
    expected = spelled_out((0, leaves), n)
    for size in range(1, leaves + 1):
        tree = ReductionTree.of_shards(leaves, size)
        out = np.full(n, np.nan, np.float32)
        tree.fold([spelled_out(block, n) for block in tree.rows], out)
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("place", range(5))
def test_the_result_may_take_the_place_of_any_row(place: int) -> None:
    """Longer than a chunk, so that rows are still read after the first part of the result was written."""
    n = reduction_tree._CHUNK + 5
    rows = [leaf(k, n) for k in range(5)]
    fold(tuple((k, k + 1) for k in range(5)), rows, (0, 5), rows[place])
    np.testing.assert_array_equal(rows[place], spelled_out((0, 5), n))


def test_a_subtree_can_be_summed_by_itself() -> None:
    out = np.empty(3, np.float32)
    fold(tuple((k, k + 1) for k in range(6)), [leaf(k, 3) for k in range(6)], (4, 6), out)
    np.testing.assert_array_equal(out, leaf(4, 3) + leaf(5, 3))


def test_a_leaf_that_no_row_holds_is_named() -> None:
    with pytest.raises(ValueError, match=r"no row holds leaf 2 of \(0, 4\)"):
        fold(((0, 2), (3, 4)), [leaf(0, 3)] * 2, (0, 4), np.empty(3, np.float32))


def test_overflow_passes_in_silence() -> None:
    out = np.empty(2)
    fold(((0, 1), (1, 2)), [np.array([1e308, np.inf]), np.array([1e308, -np.inf])], (0, 2), out)
    assert np.isinf(out[0])
    assert np.isnan(out[1])
