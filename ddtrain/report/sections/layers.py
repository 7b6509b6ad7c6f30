"""Norms of layers over the steps, from RUN/layers.jsonl, which the callback ``layer_norms`` writes.

A line of the file: ``{"step": 10, "layers": {"first.weight": {"value": 1.5, "gradient": 0.02}}}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain import colors
from ddtrain.report.drawing import tables
from ddtrain.report.drawing.limits import text_of
from ddtrain.report.drawing.markup import Markup, tag
from ddtrain.report.drawing.thinning import kept
from ddtrain.report.sections.subject import Subject, lines_of

FILE = "layers.jsonl"
_WIDE, _HIGH = 120, 28  # of a small curve
_KINDS = {"value": colors.UPDATE, "gradient": colors.GRADIENT}


def layers(subject: Subject) -> Markup | None:
    """A row a parameter: small curves of the norms of its values and of its gradient, and where they began and ended.

    Raises
    ------
    ValueError : the file is of another form
    """
    lines = list(lines_of(subject.run.path / FILE))
    if not lines:
        return None
    rows = [(path, *_cells(lines, path)) for path in dict.fromkeys(path for line in lines for path in line["layers"])]
    heads = ["parameter", "norm of its values", "first", "last", "norm of its gradient", "first", "last", "relative"]
    note = "curves are logarithmic, each from its smallest to its largest value; relative: gradient / values, median"
    caption = f"norms of {len(rows)} parameters, steps {lines[0]['step']} to {lines[-1]['step']}"
    return tag("div", tables.table(heads, rows, caption), tag("p", note, class_="note"))


def _cells(lines: list[Mapping[str, Any]], path: str) -> list[object]:
    steps = np.array([line["step"] for line in lines if path in line["layers"]], float)
    cells: list[object] = []
    seen = {}
    for kind, color in _KINDS.items():
        y = seen[kind] = np.array([float(line["layers"][path][kind]) for line in lines if path in line["layers"]])
        cells += [small_curve(steps, y, color), text_of(y[0], 3), text_of(y[-1], 3)]
    with np.errstate(divide="ignore", invalid="ignore"):
        return [*cells, text_of(float(np.median(seen["gradient"] / seen["value"])), 2)]


def small_curve(x: NDArray[Any], y: NDArray[Any], color: str) -> Markup:
    """A curve as small as a word, of positive values, without axes; its numbers stand beside it.

    >>> small_curve(np.array([1.0, 2.0]), np.array([1.0, 10.0]), "#0061f4").count("L")
    1
    """
    good = np.isfinite(y) & (y > 0)
    x, y = x[good], np.log(y[good])
    if not len(x):
        return tag("span", "none finite above 0")
    at = kept(x, y, _WIDE // 3)
    across, down = _unit(x)[at], _unit(y)[at]
    points = (f"{2 + (_WIDE - 4) * px:.1f} {_HIGH - 3 - (_HIGH - 6) * py:.1f}" for px, py in zip(across, down))
    line = tag("path", d="M" + "L".join(points), stroke=color, class_="line")
    return tag("svg", line, viewBox=f"0 0 {_WIDE} {_HIGH}", width=_WIDE, height=_HIGH, aria_hidden="true")


def _unit(x: NDArray[Any]) -> NDArray[Any]:
    """From 0 to 1; in the middle if all are alike."""
    span = x.max() - x.min()
    return (x - x.min()) / span if span > 0 else np.full(len(x), 0.5)
