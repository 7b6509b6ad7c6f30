"""Stacked bars, a row each: how a whole is made of parts, with a legend; the table is the caller's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ddtrain.report.drawing.limits import text_of
from ddtrain.report.drawing.markup import Markup, join, tag

_WIDE, _ROW, _BAR = 400, 34, 14  # of the picture, a row, and a bar


def stacked(title: str, rows: Mapping[str, Sequence[float]], parts: Mapping[str, str], unit: str) -> Markup:
    """A picture of rows, each a bar of parts.

    Parameters
    ----------
    rows : values of the parts, by the row's name
    parts : colours, by the part's name

    >>> stacked("time", {"rank 0": [1, 3]}, {"compute": "#0061f4", "wait": "#c63131"}, "ms").count("<rect")
    4
    """
    most = max((sum(values) for values in rows.values()), default=0) or 1.0
    drawn = [_row(n, name, values, list(parts.values()), most, unit) for n, (name, values) in enumerate(rows.items())]
    told = "; ".join(
        f"{name}: {', '.join(f'{part} {text_of(value)} {unit}' for part, value in zip(parts, values))}"
        for name, values in rows.items()
    )
    about = tag("desc", told)
    picture = tag(
        "svg",
        tag("title", title),
        about,
        *drawn,
        role="img",
        aria_label=title,
        viewBox=f"0 0 {_WIDE} {_ROW * len(rows)}",
    )
    keys = (tag("span", _key(color), part) for part, color in parts.items())
    return join(picture, tag("p", *keys, class_="legend"))


def _row(n: int, name: str, values: Sequence[float], colors: Sequence[str], most: float, unit: str) -> Markup:
    top, left, pieces = n * _ROW, 0.0, []
    for value, color in zip(values, colors):
        wide = _WIDE * value / most
        if wide > 0:
            rect = {
                "x": f"{left:.1f}",
                "y": top + 15,
                "width": f"{max(wide - 1, 0.3):.1f}",
                "height": _BAR,
                "fill": color,
            }
            pieces.append(tag("rect", **rect))
        left += wide
    return join(tag("text", f"{name}: {text_of(sum(values))} {unit}", x=0, y=top + 11), *pieces)


def _key(color: str) -> Markup:
    return tag(
        "svg",
        tag("rect", width=12, height=12, fill=color),
        viewBox="0 0 12 12",
        width=12,
        height=12,
        aria_hidden="true",
    )
