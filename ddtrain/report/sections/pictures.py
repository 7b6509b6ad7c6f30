"""Pictures that lie in a run's directory, such as those of ``bench --plot``, in the report itself.

Of RUN/pictures, where the callback ``pictures`` puts one after each evaluation, it has the latest.
"""

from __future__ import annotations

from ddtrain import png
from ddtrain.report.drawing.markup import Markup, tag
from ddtrain.report.sections.subject import Subject

_MOST_BYTES = 4_000_000  # of all pictures together, so that the report can still be mailed


def pictures(subject: Subject) -> Markup | None:
    """The PNG files of a run's directory, by name; those that there is no room for are named."""
    there = [*sorted(subject.run.path.glob("*.png")), *sorted((subject.run.path / "pictures").glob("*.png"))[-1:]]
    paths = [path for path in there if png.is_png(path)]
    shown, left_out, room = [], [], _MOST_BYTES
    for path in paths:
        size = path.stat().st_size
        if size > room:
            left_out.append(path.name)
            continue
        room -= size
        image = tag("img", src=png.data_url(path.read_bytes()), alt=f"picture {path.name}")
        shown.append(tag("figure", tag("figcaption", path.stem), image, class_="picture"))
    note = f"left out, as they are large: {', '.join(left_out)}" if left_out else None
    return tag("div", *shown, tag("p", note, class_="note") if note else None) if paths else None
