"""How runs ended, and what they are made of: state, figures, checkpoints, versions and hashes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ddtrain.errors import CheckpointError
from ddtrain.report.drawing import tables
from ddtrain.report.drawing.markup import Markup, join, tag
from ddtrain.report.sections.subject import Subject
from ddtrain.runs.overview import overview
from ddtrain.trainer.checkpoint.contents import read_state
from ddtrain.trainer.main import Recipe

_ELSEWHERE = ("options", "parameters")  # lines of the overview that other tables have


def states(subjects: Sequence[Subject], recipes: Mapping[str, Recipe]) -> Markup:
    """A column a run: how it is, its last and best figures, its checkpoints and time."""
    columns = [overview(subject.run, recipes, subject.history) for subject in subjects]
    names = [name for name in dict.fromkeys(name for column in columns for name in column) if name not in _ELSEWHERE]
    rows = [(name, *(column.get(name, "") for column in columns)) for name in names]
    aside = [line for subject in subjects for line in _superseded(subject)]
    return join(_side_by_side("how it went", subjects, rows), *(tag("p", line, class_="note") for line in aside))


def origins(subjects: Sequence[Subject]) -> Markup:
    """A column a run: hashes of what it has trained, versions of what it has trained with."""
    columns = [_origin(subject) for subject in subjects]
    names = list(dict.fromkeys(name for column in columns for name in column))
    rows = [(name, *(tag("code", column.get(name, "")) for column in columns)) for name in names]
    return _side_by_side("versions and hashes", subjects, rows)


def _side_by_side(caption: str, subjects: Sequence[Subject], rows: Sequence[Sequence[object]]) -> Markup:
    return tables.table(["", *(subject.label for subject in subjects)], rows, caption, class_="facts")


def _origin(subject: Subject) -> dict[str, str]:
    run, summary = subject.run, subject.run.summary
    told = {name: str(summary[name]) for name in ("params_sha256", "model_sha256") if summary.get(name)}
    there = run.checkpoints
    if not there:
        return {**told, "checkpoints": "none, so versions are not known"}
    try:
        state: Mapping[str, Any] = read_state(there[-1])
    except CheckpointError as error:
        return {**told, there[-1].name: error.one_line}
    hashes = {f"{there[-1].name} {name}": str(state[name]) for name in ("params_sha256", "model_sha256")}
    versions = {name: str(value) for name, value in state["versions"].items()}
    return {**told, **hashes, "data": str(state["data"]), **versions}


def _superseded(subject: Subject) -> list[str]:
    there = sorted(path.name for path in subject.run.path.glob("superseded-*") if path.is_dir())
    went = f"{subject.label} went back to an older checkpoint; what was newer is in"
    return [f"{went} {', '.join(there)}, and not in this report."] if there else []
