"""Contours of a surface as a figure: lines of equal height with their numbers, and a path of points across them.

Note [Levels]
Heights of the lines are quantiles of the surface's values, rounded to three digits: whatever the surface does at its
ends, the lines share the picture evenly. Where the lines are is so no picture of how steep it is; their numbers are.

A numbers along the picture, B upwards
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain import colors
from ddtrain.report.drawing import limits, tables
from ddtrain.report.drawing.limits import Limits, text_of
from ddtrain.report.drawing.markup import Markup, join, tag

SIZE, LEFT, RIGHT, TOP, BOTTOM = 400, 50, 10, 26, 34
_ACROSS, _UP = SIZE - LEFT - RIGHT, SIZE - TOP - BOTTOM
_WIDE, _HIGH = 36, 14  # of a number, with some room
_LINES = 9  # levels
_LISTED = 13  # rows and columns of the table

Array = NDArray[np.float64]
Edge = tuple[int, int, int]  # of the grid: row and column of its first corner, 0 along or 1 upwards
Chain = list[tuple[float, float]]


def figure(
    title: str, a: Array, b: Array, surface_BA: Array, path: Array, names: Sequence[str], labels: tuple[str, str]
) -> Markup:
    """The figure, its path's and its surface's values as tables.

    Parameters
    ----------
    a, b : places along the picture and upwards, rising
    surface_BA : heights; those that are not finite are left out, with a cross
    path : (C, 2) points of a path, the last of which is marked
    names : of the points
    labels : of the two axes

    >>> x = np.linspace(-1.0, 1.0, 5)
    >>> drawn = figure("loss", x, x, x**2 + x[:, None] ** 2, np.zeros((1, 2)), ["step 3"], ("first", "second"))
    >>> "from 0 at (0, 0) to 2 at (-1, -1)" in drawn
    True
    """
    across, up = Limits(float(a[0]), float(a[-1])), Limits(float(b[0]), float(b[-1]))
    name = title.replace(" ", "-")
    told = _in_words(a, b, surface_BA, path, names)
    svg = tag(
        "svg",
        tag("title", title, id=f"{name}-title"),
        tag("desc", told, id=f"{name}-about"),
        *_axes(across, up, labels),
        *_crosses(a, b, surface_BA, across, up),
        *_heights(a, b, surface_BA, across, up),
        _path(path, names, across, up),
        role="img",
        viewBox=f"0 0 {SIZE} {SIZE}",
        aria_labelledby=f"{name}-title",
        aria_describedby=f"{name}-about",
    )
    beyond = [name for name, (p, q) in zip(names, path, strict=True) if not (_within(p, across) and _within(q, up))]
    note = f"beyond the picture, drawn at its edge: {', '.join(beyond)}" if beyond else None
    points = [(name, text_of(p), text_of(q)) for name, (p, q) in zip(names, path, strict=True)]
    return tag(
        "figure",
        tag("figcaption", title),
        tag("div", svg, class_="plot wide"),
        tag("p", note, class_="note") if note else None,
        tables.folded("the path", tables.table(["", *labels], points, "the path")),
        tables.folded(f"{title}: the values", _table(a, b, surface_BA, labels)),
        class_="chart",
    )


def levels(surface: Array) -> list[float]:
    """Heights of lines (Note [Levels]).

    >>> levels(np.arange(101.0))
    [5.0, 16.2, 27.5, 38.7, 50.0, 61.3, 72.5, 83.7, 95.0]
    """
    finite = surface[np.isfinite(surface)]
    if not finite.size or finite.min() == finite.max():
        return []
    heights = np.quantile(finite, np.linspace(0.05, 0.95, _LINES))
    return sorted({float(f"{height:.3g}") for height in heights})


def chains(surface_BA: Array, level: float) -> list[Chain]:
    """Lines on which a surface has a height, by marching squares: points (column, row) in units of the grid.

    A cell with two opposite corners above the level has two lines, which part the corners from the mean or from one
    another as the mean is below it or above. A line is closed if its last point is its first.

    >>> hill = np.array([[0.0, 0, 0], [0, 2, 0], [0, 0, 0]])
    >>> chains(hill, 1.0)
    [[(1.0, 0.5), (1.5, 1.0), (1.0, 1.5), (0.5, 1.0), (1.0, 0.5)]]
    """
    neighbours: dict[Edge, list[Edge]] = {}
    for one, other in _segments(surface_BA, level):
        neighbours.setdefault(one, []).append(other)
        neighbours.setdefault(other, []).append(one)
    found = []
    ends = [edge for edge, others in neighbours.items() if len(others) == 1]
    for start in [*ends, *neighbours]:  # open lines first, from one of their ends
        if not neighbours[start]:
            continue
        edges = [start]
        while neighbours[edges[-1]]:
            following = neighbours[edges[-1]].pop()
            neighbours[following].remove(edges[-1])
            edges.append(following)
        found.append([_crossing(surface_BA, level, edge) for edge in edges])
    return found


def _segments(surface_BA: Array, level: float) -> Iterator[tuple[Edge, Edge]]:
    """The pieces of lines within each cell, from one of its edges to another."""
    finite = np.isfinite(surface_BA)
    whole = finite[:-1, :-1] & finite[:-1, 1:] & finite[1:, :-1] & finite[1:, 1:]
    above = surface_BA > level
    for row, column in np.argwhere(whole).tolist():
        edges: list[Edge] = [  # below, right, above, left; corners between them go round
            (row, column, 0),
            (row, column + 1, 1),
            (row + 1, column, 0),
            (row, column, 1),
        ]
        corners = [bool(above[row + i, column + j]) for i, j in ((0, 0), (0, 1), (1, 1), (1, 0))]
        crossed = [edges[k] for k in range(4) if corners[k] != corners[(k + 1) % 4]]
        if len(crossed) == 2:
            yield crossed[0], crossed[1]
        elif crossed:
            mean = float(surface_BA[row : row + 2, column : column + 2].mean())
            turn = (mean > level) == corners[0]
            yield (crossed[0], crossed[1]) if turn else (crossed[3], crossed[0])
            yield (crossed[2], crossed[3]) if turn else (crossed[1], crossed[2])


def _crossing(surface_BA: Array, level: float, edge: Edge) -> tuple[float, float]:
    """Where an edge has the height, by straight interpolation."""
    row, column, upwards = edge
    first = float(surface_BA[row, column])
    last = float(surface_BA[row + 1, column] if upwards else surface_BA[row, column + 1])
    along = (level - first) / (last - first)
    return (float(column), row + along) if upwards else (column + along, float(row))


def _heights(a: Array, b: Array, surface_BA: Array, across: Limits, up: Limits) -> Iterator[Markup]:
    """The lines of all heights, then their numbers, each on the longest of its lines and clear of the others."""
    numbers: list[tuple[float, float]] = []
    told = []
    for level in levels(surface_BA):
        lines = [_in_picture(chain, a, b, across, up) for chain in chains(surface_BA, level)]
        for points in lines:
            words = "L".join(f"{px:g} {py:g}" for px, py in points)
            yield tag("path", d=f"M{words}", stroke=colors.OTHER, class_="contour")
        if lines:
            px, py = _clear_place(max(lines, key=len), numbers)
            numbers.append((px, py))
            text = text_of(level, 3)
            told.append(tag("text", text, x=f"{px:g}", y=f"{py + 4:g}", text_anchor="middle", class_="height"))
    yield from told


def _in_picture(chain: Chain, a: Array, b: Array, across: Limits, up: Limits) -> Chain:
    columns, rows = zip(*chain, strict=True)
    x, y = np.interp(columns, np.arange(len(a)), a), np.interp(rows, np.arange(len(b)), b)
    return list(zip(_x(x, across).tolist(), _y(y, up).tolist(), strict=True))


def _clear_place(line: Chain, taken: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The place on a line that is farthest from those that are taken, as far as numbers are wide and high.

    >>> _clear_place([(0.0, 0.0), (100.0, 100.0), (300.0, 100.0)], [(10.0, 0.0)])
    (100.0, 100.0)
    """
    wide, high = LEFT + _WIDE / 2, TOP + _HIGH / 2
    inside = [(x, y) for x, y in line if wide < x < SIZE - RIGHT - _WIDE / 2 and high < y < SIZE - BOTTOM - _HIGH]
    inside = inside or line
    room = [min([1.0, *(max(abs(x - p) / _WIDE, abs(y - q) / _HIGH) for p, q in taken)]) for x, y in inside]
    return inside[int(np.argmax(room))]


def _crosses(a: Array, b: Array, surface_BA: Array, across: Limits, up: Limits) -> list[Markup]:
    odd = np.argwhere(~np.isfinite(surface_BA))
    places = [(float(_x(a[column], across)), float(_y(b[row], up))) for row, column in odd]
    return [tag("path", d=f"M{x - 3:g} {y - 3:g}l6 6m0 -6l-6 6", stroke=colors.OTHER, class_="odd") for x, y in places]


def _path(path: Array, names: Sequence[str], across: Limits, up: Limits) -> Markup:
    if not len(path):
        return Markup("")
    x, y = _x(path[:, 0], across), _y(path[:, 1], up)
    words = "L".join(f"{px:g} {py:g}" for px, py in zip(x, y, strict=True))
    marks = [tag("circle", cx=f"{px:g}", cy=f"{py:g}", r=2.5, fill=colors.VALIDATION) for px, py in zip(x, y)]
    end = tag("circle", cx=f"{x[-1]:g}", cy=f"{y[-1]:g}", r=6, stroke=colors.VALIDATION, class_="line")
    told = tag("text", names[-1], x=f"{x[-1] + 9:g}", y=f"{y[-1] - 7:g}")
    return join(tag("path", d=f"M{words}", stroke=colors.VALIDATION, class_="line"), *marks, end, told)


def _axes(across: Limits, up: Limits, labels: tuple[str, str]) -> Iterator[Markup]:
    edge = SIZE - BOTTOM
    for value in across.ticks():
        x = float(_x(value, across))
        yield tag("path", d=f"M{x:g} {edge}v4", class_="axis")
        yield tag("text", limits.label(value), x=f"{x:g}", y=edge + 16, text_anchor="middle")
    for value in up.ticks():
        y = float(_y(value, up))
        yield tag("path", d=f"M{LEFT} {y:g}h-4", class_="axis")
        yield tag("text", limits.label(value), x=LEFT - 6, y=f"{y + 4:g}", text_anchor="end")
    yield tag("path", d=f"M{LEFT} {TOP}V{edge}H{SIZE - RIGHT}", class_="axis")
    yield tag("text", labels[0], x=SIZE - RIGHT, y=SIZE - 3, text_anchor="end")
    yield tag("text", labels[1], x=LEFT, y=TOP - 12)


def _x(value: Any, across: Limits) -> Any:
    return np.round(LEFT + _ACROSS * np.clip(across.place(value), 0, 1), 1)


def _y(value: Any, up: Limits) -> Any:
    return np.round(TOP + _UP * (1 - np.clip(up.place(value), 0, 1)), 1)


def _within(value: float, axis: Limits) -> bool:
    return bool(axis.low <= value <= axis.high)


def _in_words(a: Array, b: Array, surface_BA: Array, path: Array, names: Sequence[str]) -> str:
    finite = np.isfinite(surface_BA)
    words = []
    if finite.any():
        places = [
            np.unravel_index(pick(np.where(finite, surface_BA, fill)), surface_BA.shape)
            for pick, fill in ((np.argmin, np.inf), (np.argmax, -np.inf))
        ]
        low, high = (f"{text_of(surface_BA[at])} at ({text_of(a[at[1]], 3)}, {text_of(b[at[0]], 3)})" for at in places)
        words.append(f"from {low} to {high}")
    if not finite.all():
        words.append(f"{int((~finite).sum())} not finite")
    if len(path):
        first, last = (f"{names[k]} at ({text_of(path[k][0], 3)}, {text_of(path[k][1], 3)})" for k in (0, -1))
        words.append(f"path of {len(path)} points from {first} to {last}")
    return "; ".join(words)


def _table(a: Array, b: Array, surface_BA: Array, labels: tuple[str, str]) -> Markup:
    """Some of the values, the uppermost row first."""
    columns, rows = (np.unique(np.linspace(0, len(v) - 1, min(len(v), _LISTED)).round().astype(int)) for v in (a, b))
    heads = [f"{labels[1]} \\ {labels[0]}", *(text_of(a[column], 3) for column in columns)]
    body = [
        (text_of(b[row], 3), *(text_of(float(surface_BA[row, column]), 3) for column in columns)) for row in rows[::-1]
    ]
    return tables.table(heads, body, f"at {len(columns)} × {len(rows)} of {len(a)} × {len(b)} places")
