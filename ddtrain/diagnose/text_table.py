"""Tables as lines of text: texts to the left, numbers to the right."""

from __future__ import annotations

from collections.abc import Sequence


def aligned(table: Sequence[Sequence[str]], texts: int) -> list[str]:
    """Rows as lines whose columns stand below one another.

    Parameters
    ----------
    table : rows of cells, the first of them the heads
    texts : the first columns, which are texts

    >>> aligned([["layer", "size"], ["a", "12"]], texts=1)
    ['layer  size', 'a        12']
    """
    wide = [max(map(len, column)) for column in zip(*table, strict=True)]
    sides = ["<" if k < texts else ">" for k in range(len(wide))]
    lines = ("  ".join(f"{cell:{side}{n}}" for cell, side, n in zip(row, sides, wide, strict=True)) for row in table)
    return [line.rstrip() for line in lines]
