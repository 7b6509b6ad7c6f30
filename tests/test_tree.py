"""Trees: same structure back, dicts in key order."""

from __future__ import annotations

from collections import namedtuple

from ddtrain import tree

Point = namedtuple("Point", "x y")


def test_round_trip_keeps_structure_and_types() -> None:
    original = {"b": [1, (2, Point(3, 4))], "a": {}, "c": 5}
    leaves, rebuild = tree.flatten(original)
    assert leaves == [1, 2, 3, 4, 5]
    again = rebuild(leaves)
    assert again == original
    assert type(again["b"][1][1]) is Point
    assert list(again) == ["b", "a", "c"]


def test_order_of_a_dict_does_not_depend_on_how_it_was_built() -> None:
    assert tree.flatten({"x": 1, "a": 2})[0] == tree.flatten({"a": 2, "x": 1})[0] == [2, 1]


def test_a_bare_leaf_is_a_tree() -> None:
    leaves, rebuild = tree.flatten(3)
    assert leaves == [3]
    assert rebuild([4]) == 4


def test_keys_that_do_not_compare() -> None:
    one = {1: 2.0, "a": 3.0, None: 4.0, (1, 2): 5.0}
    leaves, rebuild = tree.flatten(one)
    assert leaves == tree.flatten(dict(reversed(one.items())))[0]
    assert rebuild(leaves) == one
    assert sorted(tree.paths(one)) == ["['a']", "[(1, 2)]", "[1]", "[None]"]
