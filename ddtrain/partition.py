"""How a number of things is divided into consecutive parts: samples among shards, shards among ranks, elements of a
vector among the ranks that sum it. All of them use this one rule, so that all of them agree.
"""

from __future__ import annotations


def part_bounds(count: int, part: int, parts: int) -> tuple[int, int]:
    """The first of part ``part`` out of ``parts``, and one past its last: [count·k // parts, count·(k + 1) // parts).

    Parts differ by at most one in length, and are empty where there are more parts than things.

    >>> [part_bounds(7, part, 3) for part in range(3)]
    [(0, 2), (2, 4), (4, 7)]
    """
    return count * part // parts, count * (part + 1) // parts
