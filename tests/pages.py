"""Pages of reports as a browser takes them: well-formed, self-contained, with names that are unique and found."""

from __future__ import annotations

from html.parser import HTMLParser
from xml.etree import ElementTree

_VOID = {"br", "hr", "img", "meta"}
_ASKING = {"src", "href", "srcset", "data", "action", "poster", "background", "formaction", "xlink:href"}


class Page(HTMLParser):
    """What a page has, once it is found to be in order.

    Attributes
    ----------
    text : of all elements but styles and scripts
    tags : names of elements, in order
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self._words: list[str] = []
        self._named: list[str] = []
        self._open: list[str] = []
        ElementTree.fromstring(source.removeprefix("<!DOCTYPE html>"))  # well-formed
        self.feed(source)
        self.close()
        assert not self._open, f"{self._open} are not closed"
        assert len(self.ids) == len(set(self.ids)), "names of elements are unique"
        assert set(self._named) <= set(self.ids), "every name that is referred to is there"
        self.text = " ".join("".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in _VOID:
            self._open.append(tag)
        told = {name: value or "" for name, value in attrs}
        for name in _ASKING & set(told):
            assert told[name].startswith(("data:image/png;base64,", "#")), f"{tag} asks for {told[name]}"
        self._named += [told[name][1:] for name in ("href",) if told.get(name, "").startswith("#")]
        for name in ("aria-labelledby", "aria-describedby"):
            self._named += told.get(name, "").split()
        self.ids += [told["id"]] if "id" in told else []
        assert tag != "link"
        assert not any(name.startswith("on") for name in told), "scripts are in the script alone"
        assert tag != "img" or told.get("alt"), "pictures have words"
        assert tag != "svg" or told.get("role") == "img" or told.get("aria-hidden") == "true"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _VOID
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        self._words.append(" ")

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "style":
            assert "url(" not in data
            assert "@import" not in data
        elif self._open and self._open[-1] == "script":
            assert not any(word in data for word in ("fetch(", "XMLHttpRequest", "import(", "innerHTML", "eval("))
        else:
            self._words.append(data)
