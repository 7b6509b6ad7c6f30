"""From runs to one HTML file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from ddtrain.errors import DataError, DdtrainError
from ddtrain.report.drawing.markup import Markup, join, tag
from ddtrain.report.page import page
from ddtrain.report.sections import facts, options
from ddtrain.report.sections.all_samples import all_samples
from ddtrain.report.sections.curvature import curvature
from ddtrain.report.sections.curves import curves
from ddtrain.report.sections.layers import layers
from ddtrain.report.sections.pictures import pictures
from ddtrain.report.sections.samples import samples
from ddtrain.report.sections.subject import Subject, subjects
from ddtrain.report.sections.times import times
from ddtrain.runs.run import Run
from ddtrain.trainer import atomic_files
from ddtrain.trainer.main import Recipe

NAME = "report.html"
_OF_EACH: Mapping[str, Callable[[Subject], Markup | None]] = {
    "Layers": layers,
    "Curvature": curvature,
    "All samples": all_samples,
    "Worst and best": samples,
    "Time": times,
    "Pictures": pictures,
}


def write_report(
    runs: Sequence[Run], file: Path | str | None = None, recipes: Mapping[str, Recipe] | None = None
) -> Path:
    """Write a report on runs, and return the file.

    Parameters
    ----------
    runs : of one recipe
    file : by default ``report.html`` in the first run's directory
    recipes : whose defaults the options are compared with

    Raises
    ------
    UsageError : the runs are of different recipes
    DataError : the file cannot be written
    """
    path = runs[0].path / NAME if file is None else Path(os.path.expanduser(file))
    return write_page(report_html(runs, recipes), path)


def require_place(path: Path) -> None:
    """Refuse a file that could not be written, before the work that is to be written there.

    Raises
    ------
    DataError : its directory is not there or cannot be written to, or it is a directory itself
    """
    place, why = path.absolute().parent, ""
    if not place.is_dir():
        why = f"there is no directory {place}"
    elif path.is_dir():
        why = "Is a directory"
    elif not os.access(place, os.W_OK):
        why = f"{place} cannot be written to"
    if why:
        raise DataError(f"cannot write {path}: {why}", remedy="Give another file by -o.")


def write_page(text: str, path: Path) -> Path:
    """Write a page, all of it or nothing, and return the file.

    Raises
    ------
    DataError : the file cannot be written
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(21, "Is a directory")
        atomic_files.replace(path, text.encode())
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}", remedy="Give another file by -o.") from None
    except DataError as error:
        raise DataError(error.message, remedy="Give another file by -o.") from None
    return path


def report_html(runs: Sequence[Run], recipes: Mapping[str, Recipe] | None = None) -> str:
    """The report as text; see :func:`write_report`."""
    seen, known = subjects(runs), recipes or {}
    several = len(seen) > 1
    told: dict[str, Markup | None] = {
        "State": facts.states(seen, known),
        "What differs": options.differences(seen) if several else None,
        "Curves": curves(seen) or tag("p", "No step has been taken."),
        **{heading: _of_each(section, seen) for heading, section in _OF_EACH.items()},
        "Options": _named({subject.label: options.options(subject, known) for subject in seen}),
        "Versions and hashes": facts.origins(seen),
    }
    title = f"{seen[0].run.recipe or 'run'}: {', '.join(subject.label for subject in seen)}"
    now = datetime.now().astimezone().isoformat(" ", timespec="seconds")
    about = f"{'runs' if several else 'run'} in {', '.join(str(subject.run.path) for subject in seen)}; seen {now}"
    return page(title, about, {heading: body for heading, body in told.items() if body is not None})


def _of_each(section: Callable[[Subject], Markup | None], seen: Sequence[Subject]) -> Markup | None:
    """A section of the runs that have something for it; what is damaged is said, and spoils no other section."""
    found: dict[str, Markup] = {}
    for subject in seen:
        try:
            body = section(subject)
        except DdtrainError as error:
            body = tag("p", f"{subject.label}: {error.one_line}")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            name = section.__name__.replace("_", " ")
            body = tag("p", f"{subject.label}: a file of {name} is of another form: {type(error).__name__} {error}")
        if body is not None:
            found[subject.label] = body
    return _named(found, several=len(seen) > 1) if found else None


def _named(found: Mapping[str, Markup], several: bool = False) -> Markup:
    """One after another, each below its run's name if there are several runs."""
    if len(found) == 1 and not several:
        return next(iter(found.values()))
    return join(*(join(tag("h3", label), body) for label, body in found.items()))
