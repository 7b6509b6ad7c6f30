"""Where the time went: by part of a step and by rank, from RUN/trace.json of a run with ``--debug.trace``."""

from __future__ import annotations

from typing import Any

from ddtrain import colors
from ddtrain.bench.report import figures
from ddtrain.report.drawing import bars, tables
from ddtrain.report.drawing.markup import Markup, join, tag
from ddtrain.report.sections.subject import Subject
from ddtrain.trainer.file_names import TRACE

_PARTS = {  # of a bar: its name, its colour, and the figures that it is the sum of
    "data": ("data", ("data_ms",)),
    "computing": ("compute", ("compute_ms",)),
    "exposed communication": ("exposed", ("exposed_ms",)),
    "update": ("update", ("update_ms",)),
    "decision and log": ("other", ("decide_ms", "log_ms")),
}
_LEGEND = "compute: forward and backward without collectives; exposed: waiting, and collectives in the model"
_COLUMNS = ("data", "forward", "backward", "model", "sum", "wait", "decide", "update", "log", "compute", "exposed")


def times(subject: Subject) -> Markup | None:
    """A bar a rank, with the table of its parts; None without a trace.

    Raises
    ------
    DataError : the trace is damaged
    """
    if not (subject.run.path / TRACE).exists():
        return None
    found = figures.figures(figures.read(subject.run.path))
    rows = {
        f"rank {row['rank']} ({row['host']})": [sum(row[key] for key in keys) for _, keys in _PARTS.values()]
        for row in found["ranks"]
    }
    parts = {name: colors.PARTS[part] for name, (part, _) in _PARTS.items()}
    title = f"a step of each rank, median of {len(found['steps'])} traced steps"
    drawn = tag("div", bars.stacked(title, rows, parts, "ms"), class_="plot wide")
    return join(tag("figure", tag("figcaption", title), drawn), _table(found), tag("p", _told(found), class_="note"))


def _table(found: dict[str, Any]) -> Markup:
    rows = [(row["rank"], *(f"{row[f'{name}_ms']:.3f}" for name in _COLUMNS)) for row in found["ranks"]]
    names = ["in model" if name == "model" else name for name in _COLUMNS]
    return tables.table(
        ["rank", *names],
        rows,
        "median milliseconds a step",
    )


def _told(found: dict[str, Any]) -> str:
    flight, slow = found["communication"], found["slow"]
    lines = [_LEGEND, f"{found['step_ms']:.3f} ms a step"]
    if flight["hidden_share"] is not None:
        lines.append(
            f"{flight['bytes_a_step']:,} bytes sent a step, {flight['hidden_share']:.0%} of their flight hidden"
        )
    if slow is not None:
        lines.append(f"rank {slow['rank']} computes longest in {slow['longest_in_steps']} steps")
    return "; ".join(lines)
