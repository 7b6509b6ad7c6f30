"""The values of a figure in words and in a table, for those who do not see it, or want the numbers.

x: steps, or another axis, rising; y: values, of which some may be NaN or infinite
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ddtrain.report.drawing.limits import text_of
from ddtrain.report.drawing.thinning import PIECES, Piece, pieces

_LISTED = 60  # steps up to which a table has each

Points = tuple[NDArray[Any], NDArray[Any]]


class Row(NamedTuple):
    """A row of a table, and the step that it stands for."""

    place: float
    cells: tuple[str, ...]


class Listed(NamedTuple):
    """Rows, and what their values are."""

    rows: list[Row]
    how: str


def in_words(label: str, x: NDArray[Any], y: NDArray[Any], axis: str = "step") -> str:
    """A curve in words.

    Parameters
    ----------
    axis : what x is

    >>> in_words("loss", np.array([1, 2]), np.array([0.5, 0.25]))
    'loss: 2 values, from 0.5 at step 1 to 0.25 at step 2; smallest 0.25 at step 2, largest 0.5 at step 1'
    """
    good = np.isfinite(y)

    def place(at: int) -> str:
        return f"{axis} {place_of(x[at].item())}"

    words = [f"from {text_of(y[0])} at {place(0)} to {text_of(y[-1])} at {place(-1)}"]
    if good.any():
        low, high = (np.flatnonzero(good)[pick(y[good])] for pick in (np.argmin, np.argmax))
        words.append(f"smallest {text_of(y[low])} at {place(low)}, largest {text_of(y[high])} at {place(high)}")
    if not good.all():
        words.append(f"{int((~good).sum())} not finite")
    return f"{label}: {len(y)} value{'s' * (len(y) > 1)}, {'; '.join(words)}"


def listed(curves: Sequence[Points], first: float, last: float) -> Listed:
    """A row a step, or a stretch of steps between the first and the last where there are many; so of other axes.

    >>> listed([(np.array([1, 2]), np.array([0.5, 0.25]))], 1, 2).rows[1]
    Row(place=2, cells=('2', '0.25'))
    """
    steps = sorted({step for x, _ in curves for step in x.tolist()})
    if len(steps) <= _LISTED:
        columns = [dict(zip(x.tolist(), y.tolist())) for x, y in curves]
        told = [(place_of(n), *(text_of(column[n]) if n in column else "" for column in columns)) for n in steps]
        return Listed([Row(n, cells) for n, cells in zip(steps, told)], "")
    found: dict[int, dict[int, Piece]] = {}
    wide = (last - first) / PIECES
    for number, (x, y) in enumerate(curves):
        for piece in pieces(x, y, first, last):
            found.setdefault(min(int((piece.middle - first) / wide), PIECES - 1), {})[number] = piece
    rows = [Row(first + (at + 0.5) * wide, _stretch(found[at], len(curves))) for at in sorted(found)]
    return Listed(rows, ": mean (smallest to largest) over stretches")


def _stretch(found: dict[int, Piece], columns: int) -> tuple[str, ...]:
    first, last = min(piece.first for piece in found.values()), max(piece.last for piece in found.values())
    steps = place_of(first) if first == last else f"{place_of(first)} to {place_of(last)}"
    return (steps, *(_cell(found[n]) if n in found else "" for n in range(columns)))


def place_of(x: float) -> str:
    """A place on the axis: a step as it is, other numbers in short.

    >>> place_of(120345), place_of(0.123456)
    ('120345', '0.1235')
    """
    return str(x) if isinstance(x, int) else text_of(x)


def _cell(piece: Piece) -> str:
    odd = f"{piece.odd} not finite" * (piece.odd > 0)
    if not np.isfinite(piece.low):
        return odd
    mean = text_of(piece.mean)
    told = mean if piece.low == piece.high else f"{mean} ({text_of(piece.low)} to {text_of(piece.high)})"
    return f"{told}, {odd}" if odd else told
