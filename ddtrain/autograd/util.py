"""Autograd's ``util``: tuples with some entries replaced."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ddtrain.autograd._absent import absent

__all__ = ["subval", "subvals"]

__getattr__ = absent(
    __name__,
    {
        "deprecation_msg": "nothing here is deprecated",
        "func": "a function of a class is one already",
        "quick_grad_check": "ddtrain.autograd.test_util.check_grads(f, modes=['rev'], order=1)(x)",
        "toposort": "ddtrain.graph(f, *args) holds the steps, in order",
    },
)


def subvals(x: Sequence[Any], ivs: Iterable[tuple[int, Any]]) -> tuple[Any, ...]:
    """``x`` with entry i replaced by v, for every (i, v).

    >>> subvals((1, 2, 3), [(0, 10), (2, 30)])
    (10, 2, 30)
    """
    new = dict(ivs)
    return tuple(new.get(i, v) for i, v in enumerate(x))


def subval(x: Sequence[Any], i: int, v: Any) -> tuple[Any, ...]:
    """``x`` with entry ``i`` replaced by ``v``."""
    return subvals(x, [(i, v)])
