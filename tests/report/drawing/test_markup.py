"""HTML as escaped text: nothing that is given as text becomes a tag, and all is well-formed."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from ddtrain.report.drawing.markup import Markup, escape, join, tag

NASTY = ["<script>alert(1)</script>", "a\"b'c", "&amp;", "\x00\x1b[31m", "\udcff", "日本 é", "]]>", "--><b>"]


@pytest.mark.parametrize("text", NASTY)
def test_any_text_comes_back_as_text(text: str) -> None:
    made = tag("p", text, title=text)
    parsed = ElementTree.fromstring(made.encode())
    fit = "".join("\ufffd" if c in "\x00\x1b\udcff" else c for c in text)
    assert parsed.text == fit
    assert parsed.get("title") == fit
    assert len(parsed) == 0


def test_what_is_made_here_is_not_escaped_again() -> None:
    assert tag("p", tag("b", "1 < 2"), None, 3) == "<p><b>1 &lt; 2</b>3</p>"
    assert isinstance(join("a", tag("br")), Markup)
    assert escape(escape("<")) == "&lt;"


def test_names_of_attributes() -> None:
    assert tag("a", class_="x", aria_label="y", viewBox="z", left=0, gone=None) == (
        '<a class="x" aria-label="y" viewBox="z" left="0"></a>'
    )
    assert tag("meta", name="n") == '<meta name="n" />'
