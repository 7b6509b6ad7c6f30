"""Trials as lines across parallel axes, one an option, the last the figure that they are judged by.

Reference: Inselberg, The plane with parallel coordinates, The Visual Computer 1985.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ddtrain import colors
from ddtrain.report.drawing import limits
from ddtrain.report.drawing.chart import sample
from ddtrain.report.drawing.limits import Limits
from ddtrain.report.drawing.markup import Markup, join, tag
from ddtrain.search.ranges import Choices, Dimension, Range
from ddtrain.search.report import tables
from ddtrain.search.report.findings import Findings
from ddtrain.search.trials import Outcome

_WIDE, _HIGH = 720, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 70, 40, 24  # margins
_LEAST = 110  # between two axes
_FAILED = "6 3"  # dashes


@dataclass(frozen=True)
class _Axis:
    """An option's axis, wide enough for all that was tried."""

    name: str
    dimension: Dimension

    @classmethod
    def of(cls, dimension: Dimension, outcomes: Sequence[Outcome]) -> _Axis:
        if isinstance(dimension, Range):  # coarse-to-fine may have gone beyond the range that it began with
            tried = [outcome.values[dimension.key] for outcome in outcomes]
            dimension = replace(dimension, low=min(dimension.low, *tried), high=max(dimension.high, *tried))
        log = isinstance(dimension, Range) and dimension.log
        return cls(dimension.key + (" (logarithmic)" if log else ""), dimension)

    def height(self, outcome: Outcome) -> float:
        return self.dimension.place(outcome.values[self.dimension.key])

    @property
    def marks(self) -> Iterable[tuple[float, str]]:
        """Places with what stands there."""
        if isinstance(self.dimension, Choices):
            return [(self.dimension.place(value), tables.text_of(value)) for value in self.dimension.values]
        if self.dimension.log:
            ticks = Limits(self.dimension.low, self.dimension.high, log=True).ticks()
            inner = [x for x in ticks if 0.06 < self.dimension.place(x) < 0.94]
        else:
            inner = []
        values = [self.dimension.low, *inner, self.dimension.high]
        return [(min(max(self.dimension.place(x), 0.0), 1.0), limits.label(x)) for x in values]


def picture(findings: Findings) -> Markup:
    """The picture with its legend; the table beside it is the caller's."""
    outcomes = findings.in_order
    good = [outcome for outcome in outcomes if not outcome.failed]
    axes = [_Axis.of(dimension, outcomes) for dimension in findings.space.dimensions]
    scale = limits.of_curves([np.array([findings.judge.figure_of(outcome)]) for outcome in good])
    wide = max(_WIDE, _LEFT + _RIGHT + _LEAST * len(axes))
    across = [_LEFT + (wide - _LEFT - _RIGHT) * k / len(axes) for k in range(len(axes) + 1)]
    names = [*(axis.name for axis in axes), findings.judge.figure]
    drawn = [_axis(x, name) for x, name in zip(across, names)]
    drawn += [_mark(x, place, text) for x, axis in zip(across, axes) for place, text in axis.marks]
    drawn += [_mark(across[-1], float(scale.place(value)), limits.label(value)) for value in scale.ticks()]
    for outcome in reversed(outcomes):  # the best on top
        heights = [axis.height(outcome) for axis in axes]
        if not outcome.failed:
            heights.append(float(np.clip(scale.place(findings.judge.figure_of(outcome)), 0, 1)))
        drawn.append(_line(findings, outcome, across, heights))
    title = f"trials by {', '.join(dimension.key for dimension in findings.space.dimensions)}"
    told = " ".join(f"{tables.line_of(outcome, findings.judge)}." for outcome in outcomes)
    svg = tag(
        "svg",
        tag("title", title),
        tag("desc", told),
        *drawn,
        role="img",
        aria_label=title,
        viewBox=f"0 0 {wide} {_HIGH}",
    )
    return tag("figure", tag("figcaption", title), tag("div", svg, class_="plot"), _legend(findings), class_="chart")


def _axis(x: float, name: str) -> Markup:
    line = tag("path", d=f"M{x:g} {_TOP}V{_HIGH - _BOTTOM}", class_="axis")
    return join(line, tag("text", name, x=f"{x:g}", y=_TOP - 16, text_anchor="middle"))


def _mark(x: float, place: float, text: str) -> Markup:
    if not 0 <= place <= 1:
        return join()
    y = _down(place)
    return join(tag("path", d=f"M{x - 4:g} {y}h4", class_="axis"), tag("text", text, x=f"{x + 5:g}", y=y + 4))


def _line(findings: Findings, outcome: Outcome, across: Sequence[float], heights: Sequence[float]) -> Markup:
    """The line of a trial; that of one that has failed ends before the last axis."""
    points = [f"{x:g} {_down(height)}" for x, height in zip(across, heights)]
    won = outcome.trial in findings.winners
    color = colors.COMMUNICATION if outcome.failed else colors.TRAINING if won else colors.OTHER
    return tag(
        "path",
        tag("title", tables.line_of(outcome, findings.judge)),
        d="M" + "L".join(points if len(points) > 1 else [*points, *points]),
        stroke=color,
        stroke_dasharray=_FAILED if outcome.failed else None,
        stroke_opacity=None if won else "0.6",
        class_="line" if won else "odd",
    )


def _down(place: float) -> float:
    return round(_TOP + (_HIGH - _TOP - _BOTTOM) * (1 - place), 1)


def _legend(findings: Findings) -> Markup:
    lines: list[Any] = [tag("span", sample(colors.TRAINING), "winners"), tag("span", sample(colors.OTHER), "others")]
    if any(outcome.failed for outcome in findings.outcomes):
        lines.append(tag("span", sample(colors.COMMUNICATION, _FAILED), "failed"))
    return tag("p", *lines, class_="legend")
