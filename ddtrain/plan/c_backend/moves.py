"""Operations that only move entries: copies between places with strides, which C makes without asking a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ddtrain.plan.passes.places import is_basic


@dataclass(eq=False)
class Move:
    """A copy of an array's entries.

    Attributes
    ----------
    target, source : the arrays, of equal shape and dtype, as views of those that are known
    adds_zero : whether 0 is added to each entry, which makes -0 into 0 as adding up does
    """

    target: Any
    source: Any
    adds_zero: bool = False


def moves(name: str, args: Sequence[Any], result: Any) -> tuple[Any, list[Move], bool] | None:
    """A new array for the result of an operation, the copies that fill it, and whether it must be zero before.

    >>> x = np.arange(6.0).reshape(2, 3)
    >>> made, (move,), zeroed = moves("reshape", [x.T, (6,)], x.T.reshape(6))
    >>> made.shape, move.target.shape, zeroed
    ((6,), (3, 2), False)
    """
    if not isinstance(result, np.ndarray) or result.dtype.kind not in "fiub" or not result.size:
        return None
    made: Any = np.empty_like(result)  # also in its layout, which decides the order in which others add it up
    if name in ("reshape", "ravel") and isinstance(args[0], np.ndarray) and _in_order(result, args):
        return made, [Move(made.reshape(args[0].shape), args[0])], False
    if name == "place" and len(args) == 3 and is_basic(args[1]):
        part = _part(made, args[1])
        return made, [Move(part, args[0])], part.size < made.size
    if name == "place_all":
        indices, gradients = args[1], args[2:]
        found = [Move(_part(made, index), g, True) for index, g in zip(indices, gradients, strict=True)]
        return made, found, sum(move.target.size for move in found) < made.size
    if name == "concatenate" and isinstance(args[0], int) and all(isinstance(a, np.ndarray) for a in args[1:]):
        found, at, axis = [], 0, args[0]
        for part in args[1:]:
            span = slice(at, at + part.shape[axis])
            found.append(Move(made[(*[slice(None)] * (axis % made.ndim), span)], part))
            at += part.shape[axis]
        return made, found, False
    return None


def _part(array: Any, index: Any) -> Any:
    """The view at an index, also of one entry, of which NumPy would give the number."""
    part = array[index]
    return part if isinstance(part, np.ndarray) else array[(*index, ...) if isinstance(index, tuple) else (index, ...)]


def _in_order(result: Any, args: Sequence[Any]) -> bool:
    """Whether a reshape takes entries in C's order, and puts them so."""
    orders = [a for a in args if isinstance(a, str)]
    return bool(result.flags.c_contiguous) and orders in ([], ["C"])
