"""Nested lists, tuples and dicts of leaves: flatten to a list, and back.

Dicts are walked in sorted key order, so that two ranks that built the same dict differently agree; keys that do not
compare are sorted by their types and how they print.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def flatten(tree: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """Leaves in a fixed order, and the function that puts a list of leaves back into the same structure.

    >>> leaves, rebuild = flatten({"b": [1, 2], "a": (3,)})
    >>> leaves
    [3, 1, 2]
    >>> rebuild([30, 10, 20])
    {'b': [10, 20], 'a': (30,)}
    """
    leaves: list[Any] = []
    spec = _strip(tree, leaves)
    return leaves, lambda new: _fill(spec, iter(new))


class _Leaf:
    __slots__ = ()


_LEAF = _Leaf()


def _strip(tree: Any, leaves: list[Any]) -> Any:
    if isinstance(tree, dict):
        stripped = {key: _strip(tree[key], leaves) for key in _ordered(tree)}
        return {key: stripped[key] for key in tree}
    if isinstance(tree, tuple):
        children = [_strip(child, leaves) for child in tree]
        return type(tree)(*children) if hasattr(tree, "_fields") else tuple(children)
    if isinstance(tree, list):
        return [_strip(child, leaves) for child in tree]
    leaves.append(tree)
    return _LEAF


def _ordered(keys: Any) -> list[Any]:
    try:
        return sorted(keys)
    except TypeError:  # the keys cannot be compared, as numbers and strings: sort within each type
        return sorted(keys, key=lambda key: (type(key).__name__, repr(key)))


def _fill(spec: Any, leaves: Any) -> Any:
    if spec is _LEAF:
        return next(leaves)
    if isinstance(spec, dict):
        filled = {key: _fill(spec[key], leaves) for key in _ordered(spec)}
        return {key: filled[key] for key in spec}
    children = [_fill(child, leaves) for child in spec]
    if isinstance(spec, tuple):
        return type(spec)(*children) if hasattr(spec, "_fields") else tuple(children)
    return children


def map_leaves(fun: Callable[[Any], Any], tree: Any) -> Any:
    """The same structure with ``fun`` applied to every leaf.

    >>> map_leaves(lambda x: x + 1, [1, {"k": 2}])
    [2, {'k': 3}]
    """
    leaves, rebuild = flatten(tree)
    return rebuild([fun(leaf) for leaf in leaves])


def paths(tree: Any) -> list[str]:
    """Where each leaf of :func:`flatten` lies, as one would write it in Python.

    >>> paths({"b": [1, 2], "a": 3})
    ["['a']", "['b'][0]", "['b'][1]"]
    """
    if isinstance(tree, dict):
        children = [(key, tree[key]) for key in _ordered(tree)]
    elif isinstance(tree, list | tuple):
        children = list(enumerate(tree))
    else:
        return [""]
    return [f"[{key!r}]{path}" for key, child in children for path in paths(child)]
