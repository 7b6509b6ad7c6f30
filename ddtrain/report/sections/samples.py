"""The worst and the best samples of the latest evaluation, as pictures or text, from RUN/samples.json.

``{"step": 12, "worst": [SAMPLE, ...], "best": [...]}``; a sample is ``{"index": 3, "loss": 2.5, "label": 7, "output":
1}`` with ``"picture": [[0, 255], ...]`` or ``"text": "..."``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ddtrain import png
from ddtrain.report.drawing.limits import text_of
from ddtrain.report.drawing.markup import Markup, join, tag
from ddtrain.report.sections.subject import Subject, json_of

FILE = "samples.json"
_KINDS = {"worst": "with the largest loss", "best": "with the smallest loss"}


def samples(subject: Subject) -> Markup | None:
    """A list of each kind; None without the file.

    Raises
    ------
    ValueError : the file is of another form
    """
    found = json_of(subject.run.path / FILE)
    if found is None:
        return None
    shown = [
        join(tag("h4", f"{about}, after step {found['step']}"), tag("ul", *map(_sample, found[kind]), class_="samples"))
        for kind, about in _KINDS.items()
        if found.get(kind)
    ]
    return join(*shown) if shown else None


def _sample(found: Mapping[str, Any]) -> Markup:
    name = f"sample {found['index']}"
    picture, text = found.get("picture"), found.get("text")
    told = [f"loss {text_of(float(found['loss']))}"]
    told += [f"{key} {_short(found[key])}" for key in ("label", "output") if found.get(key) is not None]
    return tag(
        "li",
        tag("img", src=png.data_url(png.encode(picture)), alt=f"{name}, {', '.join(told)}") if picture else None,
        tag("pre", text) if text else None,
        tag("span", name),
        *(tag("span", line) for line in told),
    )


def _short(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_short, value))}]"
    text = text_of(value) if isinstance(value, float) else str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
