"""Who differs from most: ties, numbers that are not ranks, and words."""

from __future__ import annotations

from ddtrain.comm.differing_ranks import find_odd_ranks


def test_nobody_is_odd_where_all_hold_the_same() -> None:
    found = find_odd_ranks(["a", "a", "a"])
    assert (found.usual, found.alike, found.odd, found.groups) == ("a", [0, 1, 2], [], {"a": [0, 1, 2]})


def test_of_equally_many_the_first_rank_is_believed() -> None:
    found = find_odd_ranks(["a", "b", "b", "a"])
    assert (found.usual, found.alike, found.odd) == ("a", [0, 3], [1, 2])


def test_several_odd_ones_are_in_order_and_grouped() -> None:
    found = find_odd_ranks(["b", "a", "c", "b", "a", "a"], [10, 11, 12, 13, 14, 15])
    assert (found.usual, found.alike, found.odd) == ("a", [11, 14, 15], [10, 12, 13])
    assert list(found.groups.items()) == [("a", [11, 14, 15]), ("b", [10, 13]), ("c", [12])]
