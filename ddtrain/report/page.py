"""The page around the sections: one HTML file that asks no other file of anybody, and runs without its script."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

from ddtrain import __version__
from ddtrain.report.drawing.markup import Markup, join, tag

# Even if some text of a run were taken for HTML, the browser would load nothing for it.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
_ROOM = "ddtrain.report"


def page(title: str, about: str, sections: Mapping[str, Markup]) -> str:
    """The whole file.

    Parameters
    ----------
    about : a line below the title
    sections : by heading

    >>> page("a run", "", {"Curves": tag("p", "none")}).startswith("<!DOCTYPE html>")
    True
    """
    names = {heading: heading.lower().replace(" ", "-") for heading in sections}
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("style", _text("page.css")),
    )
    contents = tag("ul", *(tag("li", tag("a", heading, href=f"#{name}")) for heading, name in names.items()))
    body = tag(
        "body",
        tag("a", "to the contents", href="#main", class_="skip"),
        tag("header", tag("h1", title), tag("p", about, class_="about"), tag("nav", contents, aria_label="sections")),
        tag("main", *(_section(names[heading], heading, body) for heading, body in sections.items()), id="main"),
        tag("footer", tag("p", f"written by ddtrain {__version__}", class_="note")),
        tag("script", _text("page.js")),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _section(name: str, heading: str, body: Markup) -> Markup:
    return tag("section", tag("h2", heading, id=f"{name}-heading"), body, id=name, aria_labelledby=f"{name}-heading")


def _text(name: str) -> Markup:
    """A file of this room, which has no character that XML would read as markup."""
    return join(Markup((resources.files(_ROOM) / name).read_text("utf-8")))
