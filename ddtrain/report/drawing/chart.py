"""Curves as a figure: an SVG with title and description, a legend, and a table of what it shows.

Distances are in units of the picture, which is ``WIDE`` by ``HIGH`` and drawn at about that many pixels.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.report.drawing import limits, tables, values
from ddtrain.report.drawing.limits import Limits, text_of
from ddtrain.report.drawing.markup import Markup, join, tag
from ddtrain.report.drawing.thinning import PIECES, kept, pieces

WIDE, HIGH = 400, 240
LEFT, RIGHT, TOP, BOTTOM = 50, 10, 12, 34  # margins
_ACROSS, _DOWN = WIDE - LEFT - RIGHT, HIGH - TOP - BOTTOM
STEP = "step"  # the usual axis
_SMOOTHED = 4 * PIECES  # values from which on a curve is smoothed
_MARKED = 40  # values up to which each has a mark


@dataclass(frozen=True)
class Curve:
    """One line: its name in the legend, steps, values, colour, dashes (as SVG's ``stroke-dasharray``), and whether its
    values vary by chance, so that means say more.
    """

    label: str
    x: NDArray[Any]
    y: NDArray[Any]
    color: str
    dash: str = ""
    noisy: bool = True

    @property
    def smoothed(self) -> bool:
        """Whether its line is of means, with the raw values behind."""
        return self.noisy and len(self.x) >= _SMOOTHED


def figure(
    title: str, curves: Sequence[Curve], about: str = "", axis: str = STEP, upward: Limits | None = None
) -> Markup:
    """A figure of curves over steps, or over another axis.

    Parameters
    ----------
    title : what the values are
    curves : those without a value are left out
    about : a line below
    axis : what ``x`` of the curves is; only steps are whole numbers
    upward : limits of the values, by default those of ordinary ones (Note [Robust limits])

    >>> steps = np.arange(1, 4)
    >>> drawn = figure("loss", [Curve("training", steps, 1 / steps, "#0061f4")])
    >>> "training: 3 values, from 1 at step 1 to 0.3333 at step 3" in drawn
    True
    """
    curves = [curve for curve in curves if len(curve.x)]
    across = limits.of_steps([curve.x for curve in curves])
    upward = upward or limits.of_curves([curve.y for curve in curves])
    notes = [*_left_out(curves, upward, axis), *_smoothing(curves), *([about] if about else [])]
    return tag(
        "figure",
        tag("figcaption", title, " (logarithmic)" if upward.log else ""),
        tag("div", _svg(title, curves, across, upward, axis), class_="plot"),
        legend(curves) if len(curves) > 1 else None,
        *(tag("p", note, class_="note") for note in notes),
        tables.folded(f"{title}: the values", _table(title, curves, across, axis)),
        class_="chart",
    )


def legend(curves: Sequence[Curve]) -> Markup:
    """Names of lines beside a piece of each."""
    lines = (tag("span", sample(curve.color, curve.dash), curve.label) for curve in curves)
    return tag("p", *lines, class_="legend")


def sample(color: str, dash: str = "") -> Markup:
    """A short piece of a line."""
    line = tag("path", d="M1 6H27", stroke=color, stroke_dasharray=dash or None, class_="line")
    return tag("svg", line, viewBox="0 0 28 12", width=28, height=12, aria_hidden="true")


def _svg(title: str, curves: Sequence[Curve], across: Limits, upward: Limits, axis: str) -> Markup:
    name = re.sub(r"\s", "-", title)
    told = " ".join(f"{values.in_words(curve.label, curve.x, curve.y, axis)}." for curve in curves)
    return tag(
        "svg",
        tag("title", title, id=f"{name}-title"),
        tag("desc", told, id=f"{name}-about"),
        *_axes(across, upward, axis),
        *(_raw(curve, across, upward) for curve in curves if curve.smoothed),
        *(_line(curve, across, upward) for curve in curves),
        *(_odd(curve, across, upward) for curve in curves),
        role="img",
        viewBox=f"0 0 {WIDE} {HIGH}",
        aria_labelledby=f"{name}-title",
        aria_describedby=f"{name}-about",
        data_left=LEFT,
        data_wide=_ACROSS,
    )


def _axes(across: Limits, upward: Limits, axis: str) -> list[Markup]:
    drawn = []
    for value in upward.ticks():
        y = _y(value, upward)
        drawn.append(tag("path", d=f"M{LEFT} {y}H{WIDE - RIGHT}", class_="grid-line"))
        drawn.append(tag("text", limits.label(value), x=LEFT - 6, y=y + 4, text_anchor="end"))
    for value in (value for value in across.ticks() if axis != STEP or value == round(value)):
        x = _x(value, across)
        drawn.append(tag("path", d=f"M{x} {HIGH - BOTTOM}v4", class_="axis"))
        drawn.append(
            tag(
                "text",
                f"{value:,.0f}" if axis == STEP else limits.label(value),
                x=x,
                y=HIGH - BOTTOM + 16,
                text_anchor="middle",
            )
        )
    drawn.append(tag("path", d=f"M{LEFT} {TOP}V{HIGH - BOTTOM}H{WIDE - RIGHT}", class_="axis"))
    return [*drawn, tag("text", axis, x=WIDE - RIGHT, y=HIGH - 3, text_anchor="end")]


def _line(curve: Curve, across: Limits, upward: Limits) -> Markup:
    x, y = curve.x, curve.y
    if curve.smoothed:
        means = pieces(x, y, across.low, across.high, 2 * PIECES)
        x, y = np.array([piece.middle for piece in means]), np.array([piece.mean for piece in means])
    else:
        at = kept(x, y, _ACROSS)
        x, y = x[at], y[at]
    drawn = [_path(curve, x, y, across, upward, "line")]
    if len(x) <= _MARKED:
        good = np.isfinite(y)
        ends = zip(np.atleast_1d(_x(x[good], across)), np.atleast_1d(_y(y[good], upward)))
        drawn += [tag("circle", cx=px, cy=py, r=2.5, fill=curve.color) for px, py in ends]
    return join(*drawn)


def _raw(curve: Curve, across: Limits, upward: Limits) -> Markup:
    at = kept(curve.x, curve.y, _ACROSS)
    return _path(curve, curve.x[at], curve.y[at], across, upward, "raw")


def _path(curve: Curve, x: NDArray[Any], y: NDArray[Any], across: Limits, upward: Limits, class_: str) -> Markup:
    """A line through finite values, interrupted at the others."""
    good = np.isfinite(y)
    words, pen = [], "M"
    for px, py, fine in zip(_x(x, across), _y(np.where(good, y, upward.low), upward), good):
        words.append(f"{pen}{px:g} {py:g}" if fine else "")
        pen = "L" if fine else "M"
    dash = curve.dash or None if class_ == "line" else None
    return tag("path", d="".join(words), stroke=curve.color, stroke_dasharray=dash, class_=class_)


def _odd(curve: Curve, across: Limits, upward: Limits) -> Markup:
    """Marks at the edge: a triangle for values beyond it, a cross for those that are no numbers; one a few pixels."""
    marks: dict[tuple[int, bool, bool], str] = {}
    for n in np.flatnonzero(~((curve.y >= upward.low) & (curve.y <= upward.high))):
        x, low, finite = float(_x(curve.x[n], across)), bool(curve.y[n] < upward.low), bool(np.isfinite(curve.y[n]))
        marks.setdefault((round(x / 8), low, finite), _mark(x, low, finite))
    return join(*(tag("path", d=d, stroke=curve.color, class_="odd") for d in marks.values()))


def _mark(x: float, low: bool, finite: bool) -> str:
    if not finite:
        return f"M{x - 3:g} {TOP - 3}l6 6m0 -6l-6 6"
    return f"M{x - 4:g} {HIGH - BOTTOM - 5}l4 5l4 -5" if low else f"M{x - 4:g} {TOP + 5}l4 -5l4 5"


def _x(step: Any, across: Limits) -> Any:
    return np.round(LEFT + _ACROSS * across.place(step), 1)


def _y(value: Any, upward: Limits) -> Any:
    """Values beyond the limits stand at the edge."""
    return np.round(TOP + _DOWN * (1 - np.clip(upward.place(value), 0, 1)), 1)


def _left_out(curves: Sequence[Curve], upward: Limits, axis: str) -> list[str]:
    """What is drawn at the edge, in a line a curve."""
    lines = []
    for curve in curves:
        good = np.isfinite(curve.y)
        beyond = good & ((curve.y < upward.low) | (curve.y > upward.high))
        if beyond.any() or not good.all():
            first = curve.x[np.argmax(beyond | ~good)]
            most = f" (up to {text_of(np.abs(curve.y[beyond]).max())})" if beyond.any() else ""
            lines.append(
                f"{curve.label}, at the edge: {int(beyond.sum())} values beyond the axis{most}, "
                f"{int((~good).sum())} that are NaN or infinite; the first at {axis} {values.place_of(first.item())}"
            )
    return lines


def _smoothing(curves: Sequence[Curve]) -> list[str]:
    longest = max((len(curve.x) for curve in curves if curve.smoothed), default=0)
    wide = -(-longest // (2 * PIECES))
    return [f"lines: means over {wide} steps; behind them all values, from the smallest to the largest"] * (wide > 0)


def _table(title: str, curves: Sequence[Curve], across: Limits, axis: str) -> Markup:
    listed = values.listed([(curve.x, curve.y) for curve in curves], across.low, across.high)
    places = [float(_x(row.place, across)) for row in listed.rows]
    heads, caption = [axis, *(curve.label for curve in curves)], title + listed.how
    return tables.table(heads, [row.cells for row in listed.rows], caption, places=places)
