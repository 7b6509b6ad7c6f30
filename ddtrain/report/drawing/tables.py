"""Tables of a report, which scroll by themselves where the page is narrow, and are reached by keyboard."""

from __future__ import annotations

from collections.abc import Sequence

from ddtrain.report.drawing.markup import Markup, tag


def table(
    heads: Sequence[object],
    rows: Sequence[Sequence[object]],
    caption: object = "",
    class_: str | None = None,
    places: Sequence[float] = (),
) -> Markup:
    """A table whose first column names its rows.

    Parameters
    ----------
    heads : of the columns
    rows : a cell a column
    caption : what the table is about
    places : where each row stands in the figure that it belongs to, for the script that points at it

    >>> table(["rank", "ms"], [[0, 1.5]]).count("<th ")
    3
    """
    head = tag("tr", *(tag("th", text, scope="col") for text in heads))
    body = [
        tag(
            "tr",
            tag("th", row[0], scope="row"),
            *(tag("td", cell) for cell in row[1:]),
            data_x=f"{at:g}" if places else None,
        )
        for row, at in zip(rows, places or (0.0,) * len(rows), strict=True)
    ]
    shown = tag("table", tag("caption", caption) if caption else None, tag("thead", head), tag("tbody", *body))
    return tag(
        "div", shown, class_=f"table {class_ or ''}".strip(), tabindex=0, role="region", aria_label=caption or "table"
    )


def folded(summary: object, *children: object) -> Markup:
    """Something that is shown on demand, with its heading; no script is needed."""
    return tag("details", tag("summary", summary), *children)
