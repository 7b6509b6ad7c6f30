"""Which ranks differ from the others: one count and one wording for everything that ranks compare."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, slots=True)
class OddRanks(Generic[T]):
    """The ranks, grouped by the value that they hold.

    Attributes
    ----------
    usual : the value that most of them hold; of equally common values, the one found first
    alike : the ranks that hold it
    odd : those that hold something else, in order; empty if all hold the same
    groups : the ranks by value, the usual value first
    """

    usual: T
    alike: list[int]
    odd: list[int]
    groups: dict[T, list[int]]


def find_odd_ranks(values: Sequence[T], numbers: Sequence[int] = ()) -> OddRanks[T]:
    """Compare what ranks hold, and find those that differ from most.

    Parameters
    ----------
    values : the value that each rank (or shard) holds
    numbers : the ranks' numbers, by default counted from 0

    >>> found = find_odd_ranks(["float32", "float64", "float32"])
    >>> found.usual, found.alike, found.odd
    ('float32', [0, 2], [1])
    """
    groups: dict[T, list[int]] = {}
    for number, value in zip(numbers or range(len(values)), values, strict=True):
        groups.setdefault(value, []).append(number)
    usual = max(groups, key=lambda value: len(groups[value]))  # of equally large groups, the first one
    alike = groups[usual]
    odd = [number for value, found in groups.items() if value != usual for number in found]
    return OddRanks(usual, alike, sorted(odd), {usual: alike, **groups})


def in_words(numbers: Sequence[int], who: str = "rank") -> str:
    """Ranks (or shards) as words for a message.

    >>> in_words([2]), in_words([0, 1, 3]), in_words([1, 2], "shard")
    ('rank 2', 'ranks 0, 1 and 3', 'shards 1 and 2')
    """
    if len(numbers) == 1:
        return f"{who} {numbers[0]}"
    return f"{who}s {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
