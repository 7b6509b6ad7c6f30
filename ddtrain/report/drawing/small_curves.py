"""Curves as small as words, in a table with a row a layer: where there are too many layers for one figure.

x: steps; y: values, of which some may be NaN or infinite
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.report.drawing import tables
from ddtrain.report.drawing.limits import text_of
from ddtrain.report.drawing.markup import Markup, tag
from ddtrain.report.drawing.thinning import kept

_WIDE, _HIGH = 120, 28

Line = Mapping[str, Any]


def rows_of_layers(lines: Sequence[Line], kinds: Mapping[str, str], what: str, log: bool = False) -> Markup:
    """A table of lines ``{"step": 10, "layers": {PATH: {KIND: number}}}``, with a row a path.

    Parameters
    ----------
    kinds : what to show, with its colour; a kind that no line has is left out
    what : the rows are
    log : whether curves are logarithmic

    >>> made = rows_of_layers([{"step": 1, "layers": {"head": {"mean": 0.5}}}], {"mean": "#0061f4"}, "layers")
    >>> "head" in made, made.count("0.5")
    (True, 2)
    """
    paths = list(dict.fromkeys(path for line in lines for path in line["layers"]))
    there = [kind for kind in kinds if any(kind in layer for line in lines for layer in line["layers"].values())]
    rows = [[path, *(cell for kind in there for cell in _cells(lines, path, kind, kinds[kind], log))] for path in paths]
    heads = ["", *(head for kind in there for head in (kind, "first", "last"))]
    caption = f"{len(paths)} {what}, steps {lines[0]['step']} to {lines[-1]['step']}"
    return tables.table(heads, rows, caption)


def _cells(lines: Sequence[Line], path: str, kind: str, color: str, log: bool) -> list[object]:
    """A curve, its first and its last value."""
    seen = [(line["step"], float(line["layers"][path][kind])) for line in lines if kind in line["layers"].get(path, {})]
    if not seen:
        return ["", "", ""]
    steps, values = np.array(seen, float).T
    return [small_curve(steps, values, color, log), text_of(values[0], 3), text_of(values[-1], 3)]


def small_curve(x: NDArray[Any], y: NDArray[Any], color: str, log: bool = False) -> Markup:
    """A curve from its smallest to its largest value, without axes; its numbers stand beside it.

    >>> small_curve(np.array([1.0, 2.0]), np.array([1.0, 10.0]), "#0061f4").count("L")
    1
    """
    good = np.isfinite(y) & ((y > 0) | (not log))
    x, y = x[good], np.log(y[good]) if log else y[good]
    if not len(x):
        return tag("span", "none to draw")
    at = kept(x, y, _WIDE // 3)
    across, down = _unit(x)[at], _unit(y)[at]
    points = (f"{2 + (_WIDE - 4) * px:.1f} {_HIGH - 3 - (_HIGH - 6) * py:.1f}" for px, py in zip(across, down))
    line = tag("path", d="M" + "L".join(points), stroke=color, class_="line")
    return tag("svg", line, viewBox=f"0 0 {_WIDE} {_HIGH}", width=_WIDE, height=_HIGH, aria_hidden="true")


def _unit(x: NDArray[Any]) -> NDArray[Any]:
    """From 0 to 1; in the middle if all are alike."""
    span = x.max() - x.min()
    return (x - x.min()) / span if span > 0 else np.full(len(x), 0.5)
