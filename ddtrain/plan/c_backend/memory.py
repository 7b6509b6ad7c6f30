"""One arena for all arrays that C makes: blocks whose times of use do not meet share memory."""

from __future__ import annotations

from collections.abc import Sequence

from ddtrain.plan.c_backend.places import Block

_ALIGNMENT = 64  # bytes: a line of the cache, and the widest vector


def lay_out(blocks: Sequence[Block]) -> int:
    """Give every block its offset in the arena; returns the arena's size in bytes.

    The largest blocks are placed first, each at the lowest offset that is free while it is in use.

    >>> a, b, c = (Block(100, first=first, last=last) for first, last in ((0, 1), (1, 2), (2, 3)))
    >>> lay_out([a, b, c]), a.offset, b.offset, c.offset  # c takes a's place
    (256, 0, 128, 0)
    """
    placed: list[Block] = []
    size = 0
    for block in sorted(blocks, key=lambda block: (-block.nbytes, block.first)):
        meets = [other for other in placed if other.first <= block.last and block.first <= other.last]
        at = 0
        for other in sorted(meets, key=lambda other: other.offset):
            if other.offset - at >= block.nbytes:
                break
            at = max(at, _aligned(other.offset + other.nbytes))
        block.offset = at
        placed.append(block)
        size = max(size, _aligned(at + block.nbytes))
    return size


def _aligned(nbytes: int) -> int:
    return -(-nbytes // _ALIGNMENT) * _ALIGNMENT
