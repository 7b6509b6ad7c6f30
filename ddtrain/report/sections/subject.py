"""A run as a report sees it: read once, with a name and a colour of its own among the runs of the report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddtrain import colors
from ddtrain.errors import UsageError
from ddtrain.runs.history import History
from ddtrain.runs.run import Run

_DASHES = ("", "6 3", "2 3", "8 3 2 3")  # for more runs than there are colours


@dataclass(frozen=True)
class Subject:
    """A run, its name in the report, its figures, and how its lines are drawn where runs are compared."""

    run: Run
    label: str
    history: History
    color: str
    dash: str


def subjects(runs: Sequence[Run]) -> list[Subject]:
    """Runs with names: that of the directory, or the whole path where several have the same.

    Raises
    ------
    UsageError : they are of different recipes, or one is named twice
    """
    recipes = {run.recipe: run for run in runs}
    if len(recipes) > 1:
        told = ", ".join(f"{run.path} is of {recipe or 'none'}" for recipe, run in recipes.items())
        raise UsageError(
            f"report: runs of different recipes: {told}", remedy="Give runs of one, or write a report each."
        )
    paths = [run.path.resolve() for run in runs]
    if twice := {str(path) for path in paths if paths.count(path) > 1}:
        raise UsageError(f"report: {', '.join(sorted(twice))} is given twice", remedy="Give each run once.")
    names = [path.name for path in paths]
    labels = [str(run.path) if names.count(name) > 1 else name for run, name in zip(runs, names)]
    many = len(colors.RUNS)
    return [
        Subject(run, label, run.history, colors.RUNS[n % many], _DASHES[n // many % len(_DASHES)])
        for n, (run, label) in enumerate(zip(runs, labels))
    ]


def json_of(path: Path) -> Any:
    """What a JSON file of a run holds; None if there is no such file.

    Raises
    ------
    ValueError : it cannot be read
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, RecursionError) as error:
        raise ValueError(str(error)) from None


def lines_of(path: Path) -> Iterator[Mapping[str, Any]]:
    """The objects in a file of JSON lines, without a torn last one; none if there is no such file.

    Raises
    ------
    ValueError : another line is not such an object
    """
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            found = json.loads(line)
            if not isinstance(found, dict):
                raise ValueError(f"{line[:40]!r} is not a JSON object")
            yield found
