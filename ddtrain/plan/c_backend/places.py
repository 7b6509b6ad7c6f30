"""Where arrays lie: in which block of memory, and how far from its beginning."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ddtrain.kernels.native.pointers import address
from ddtrain.plan.program import PlanError, kind_of


@dataclass(eq=False)
class Block:
    """A block of memory.

    Attributes
    ----------
    nbytes : its size
    fixed : an array that has it, where it lies at the same address in every call; None while it does not
    first, last : the units between which it is in use, where the arena has it; -1: of no unit
    offset : its place in the arena, or -1
    """

    nbytes: int
    fixed: Any = None
    in_arena: bool = False
    first: int = -1
    last: int = -1
    offset: int = -1


@dataclass(frozen=True)
class Place:
    """An address: so many bytes into a block."""

    block: Block
    offset: int


@dataclass
class Registry:
    """Finds the place of an array among those that are known, by its address; holds on to all of them."""

    _starts: list[int] = field(default_factory=list)
    _known: list[tuple[int, int, Place, Any]] = field(default_factory=list)  # sorted: start, end, its place, the array

    def add(self, array: Any, place: Place) -> None:
        """Remember where an array lies, none of whose entries lies before its first."""
        start, end = span_of(array)
        at = bisect.bisect_right(self._starts, start)
        self._starts.insert(at, start)
        self._known.insert(at, (start, end, place, array))

    def known(self) -> Iterator[tuple[Any, Place]]:
        """The arrays, and where they lie."""
        return ((array, place) for _, _, place, array in self._known)

    def find(self, array: Any) -> Place | None:
        """The place of the first entry of an array that lies within one that is known, or None."""
        start, end = span_of(array)
        for known_start, known_end, place, _ in reversed(self._known[: bisect.bisect_right(self._starts, start)]):
            if end <= known_end:
                return Place(place.block, place.offset + (address(array) or 0) - known_start)
        return None


def span_of(array: Any) -> tuple[int, int]:
    """The first address of an array's memory, and the one behind its last.

    >>> start, end = span_of(np.zeros((2, 3), np.float32))
    >>> end - start
    24
    """
    low, high = np.lib.array_utils.byte_bounds(array)
    return int(low), int(high)


def layout(array: Any) -> tuple[int, ...] | None:
    """How entries lie in memory: None if in C's order, else how many bytes they are apart along each axis.

    >>> layout(np.zeros((2, 3))), layout(np.zeros((2, 3)).T)
    (None, (8, 24))
    """
    return None if array.flags.c_contiguous else array.strides


class AddressOf:
    """The address of what Python brings, if it is laid out as it was recorded: C would read what is not its own."""

    __slots__ = ("_kind", "_layout")

    def __init__(self, kind: Any, layout: Any) -> None:
        self._kind, self._layout = kind, layout

    def __call__(self, value: Any) -> int | None:
        if value.shape != self._kind.shape or value.dtype != self._kind.dtype or layout(value) != self._layout:
            raise PlanError(
                f"plan: a value is {kind_of(value)} where {self._kind} was written down, or lies otherwise in memory",
                remedy="Give --plan.enabled false: what is computed depends on more than the kind of the batch.",
            )
        return address(value)


def apart(arrays: Iterable[Any]) -> list[Any]:
    """The arrays, with a copy of each that shares memory with one before it, its entries as far apart as they were.

    A view is found by its address (:class:`Registry`), which must say of which of them it is one.

    >>> tokens = np.arange(5)
    >>> words, following = apart([tokens[:-1], tokens[1:]])
    >>> following, np.may_share_memory(words, following)
    (array([1, 2, 3, 4]), False)
    """
    made: list[Any] = []
    for array in arrays:
        if any(np.may_share_memory(array, other) for other in made):
            start, end = span_of(array)
            room = np.empty(end - start, np.uint8)
            found, array = array, np.ndarray(array.shape, array.dtype, room, _at(array) - start, array.strides)
            array[...] = found
        made.append(array)
    return made


def _at(array: Any) -> int:
    return address(array) or 0


def leaves(value: Any) -> Iterator[Any]:
    """The arrays in what an operation gives or saves: an array, or tuples and lists of some."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, tuple | list):
        for part in value:
            yield from leaves(part)


def is_plain(value: Any) -> bool:
    """Whether all arrays in a value can be seen: it is made of tuples, lists, arrays and numbers."""
    if isinstance(value, tuple | list):
        return all(map(is_plain, value))
    return value is None or isinstance(value, (np.ndarray, np.generic, int, float, complex, str, bool, np.dtype, slice))


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """The same value with its arrays changed."""
    if isinstance(value, np.ndarray):
        return change(value)
    if isinstance(value, tuple):
        parts = [mapped(part, change) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, list):
        return [mapped(part, change) for part in value]
    return value


__all__ = [
    "AddressOf",
    "Block",
    "Place",
    "Registry",
    "address",
    "apart",
    "is_plain",
    "layout",
    "leaves",
    "mapped",
    "span_of",
]
