"""HTML and SVG as text that is escaped unless it has been made here, so that no name of a run becomes a tag.

What is made is well-formed XML, too: every element is closed, and characters that XML has not are replaced.
"""

from __future__ import annotations

import html
import re

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")  # not in XML, or not in UTF-8
_VOID = ("br", "hr", "img", "meta")  # elements without an end tag


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def escape(text: object) -> Markup:
    """A text as HTML that shows it.

    >>> escape("<b> & \\x00")
    '&lt;b&gt; &amp; \N{REPLACEMENT CHARACTER}'
    """
    return text if isinstance(text, Markup) else Markup(html.escape(_UNFIT.sub("\ufffd", str(text))))


def join(*children: object) -> Markup:
    """Pieces one after another, those that are not HTML escaped; None is left out."""
    return Markup("".join(escape(child) for child in children if child is not None))


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """An element.

    Parameters
    ----------
    children : what is in it
    attributes : ``class_`` is class, ``aria_label`` is aria-label; None leaves an attribute out

    >>> tag("p", "1 < 2", class_="note", id=None)
    '<p class="note">1 &lt; 2</p>'
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{told} />" if name in _VOID else f"<{name}{told}>{join(*children)}</{name}>")
