"""Long curves as few points, honestly: no extreme is lost, and what is smoothed is shown with the raw values behind.

x: steps, rising; y: values, of which some may be NaN or infinite; n of each
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

PIECES = 50  # in which a long curve is smoothed, and listed


class Piece(NamedTuple):
    """A stretch of a curve: its first and last step, its middle, and mean, smallest and largest finite value.

    Without a finite value these are NaN. ``odd`` values are not finite.
    """

    first: float
    last: float
    middle: float
    mean: float
    low: float
    high: float
    odd: int


def kept(x: NDArray[Any], y: NDArray[Any], bins: int) -> NDArray[np.intp]:
    """Indices of the points that a picture of so many columns needs: of each, the smallest, the largest, and one that
    is not finite. All of them, where there are few.

    >>> kept(np.arange(8), np.array([0, 5, 1, 2, 2, -3, 2, 2.0]), 2)
    array([0, 1, 4, 5])
    """
    if len(x) <= 2 * bins:
        return np.arange(len(x))
    found: set[int] = set()
    for at in _columns(x, bins):
        finite = np.isfinite(y[at])
        if finite.any():
            inside = np.arange(at.start, at.stop)[finite]
            found |= {int(inside[y[inside].argmin()]), int(inside[y[inside].argmax()])}
        if not finite.all():
            found.add(at.start + int(finite.argmin()))
    return np.array(sorted(found))


def pieces(x: NDArray[Any], y: NDArray[Any], first: float, last: float, count: int = PIECES) -> list[Piece]:
    """A curve in equal stretches between two steps; those without a value are left out.

    >>> [piece.mean for piece in pieces(np.arange(4), np.array([1.0, 3.0, 5.0, np.nan]), 0, 3, 2)]
    [2.0, 5.0]
    """
    return [_piece(x[at], y[at]) for at in _columns(x, count, first, last)]


def _piece(x: NDArray[Any], y: NDArray[Any]) -> Piece:
    good = y[np.isfinite(y)]
    with np.errstate(over="ignore"):  # the mean of exploding values may be infinite, which is what it then says
        told = (float(good.mean()), float(good.min()), float(good.max())) if len(good) else (np.nan,) * 3
    return Piece(x[0].item(), x[-1].item(), float(x[0] + x[-1]) / 2, *told, len(y) - len(good))


def _columns(x: NDArray[Any], bins: int, first: float | None = None, last: float | None = None) -> Iterator[slice]:
    """The points of each column that has any, as slices."""
    if not len(x):
        return
    low, high = float(x[0] if first is None else first), float(x[-1] if last is None else last)
    edges = np.searchsorted(x, np.linspace(low, high, bins + 1)[1:-1], side="left")
    for begin, end in zip([0, *edges], [*edges, len(x)], strict=True):
        if begin < end:
            yield slice(int(begin), int(end))
