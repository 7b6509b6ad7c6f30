"""The arena: blocks that are in use at the same time lie apart, whatever their lifetimes; and little is wasted."""

from __future__ import annotations

import random

import pytest

from ddtrain.plan.c_backend.memory import lay_out
from ddtrain.plan.c_backend.places import Block


@pytest.mark.parametrize("seed", range(40))
def test_no_entry_belongs_to_two_blocks_at_once(seed: int) -> None:
    r = random.Random(seed)
    blocks = []
    for _ in range(r.randrange(1, 30)):
        first = r.randrange(20)
        nbytes = r.choice([0, 1, 64, 65, *[r.randrange(1000) for _ in range(8)]])
        blocks.append(Block(nbytes, first=first, last=first + r.randrange(8)))
    size = lay_out(blocks)
    for time in range(30):  # brute force: who owns each byte at each time
        owned: set[int] = set()
        for block in blocks:
            if block.first <= time <= block.last:
                mine = set(range(block.offset, block.offset + block.nbytes))
                assert not owned & mine
                owned |= mine
        assert all(0 <= byte < size for byte in owned)
    assert all(block.offset % 64 == 0 for block in blocks)
    most = max(sum(-(-b.nbytes // 64) * 64 for b in blocks if b.first <= time <= b.last) for time in range(30))
    assert most <= size <= 2 * most


def test_a_block_that_is_read_when_another_is_written_keeps_its_place() -> None:
    """Ends are included: what is read last and what is written first at one time must not be the same memory."""
    read, written = Block(64, first=0, last=3), Block(64, first=3, last=5)
    assert lay_out([read, written]) == 128
    assert read.offset != written.offset


def test_a_gap_is_filled() -> None:
    large, small, late = Block(640, first=0, last=1), Block(64, first=0, last=9), Block(320, first=2, last=3)
    assert lay_out([large, small, late]) == 704
    assert late.offset == 0
