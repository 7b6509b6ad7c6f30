"""What runs were told: the options that are not the usual ones, those in which runs differ, and all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ddtrain.report.drawing import tables
from ddtrain.report.drawing.markup import Markup, join, tag
from ddtrain.report.sections.subject import Subject
from ddtrain.runs.differences import changes, differing
from ddtrain.runs.overview import shown
from ddtrain.trainer.config.toml_files import to_toml
from ddtrain.trainer.main import Recipe


def differences(subjects: Sequence[Subject]) -> Markup:
    """The options in which runs differ."""
    found = differing([subject.run for subject in subjects])
    if not found:
        return tag("p", "The runs have the same options.")
    rows = [(tag("code", name), *map(shown, values)) for name, values in found.items()]
    return tables.table(["option", *(subject.label for subject in subjects)], rows, "options in which the runs differ")


def options(subject: Subject, recipes: Mapping[str, Recipe]) -> Markup:
    """The options of a run that are not the usual ones, and the whole configuration on demand."""
    run = subject.run
    found = changes(run, recipes)
    of = f"recipe {run.recipe}" if run.recipe in recipes else f"ddtrain (recipe {run.recipe} is not known here)"
    rows = [(tag("code", name), shown(change.value), shown(change.usual)) for name, change in found.items()]
    told = (
        tables.table(["option", "value", "default"], rows, f"options that differ from the defaults of {of}")
        if rows
        else tag("p", f"All options are the defaults of {of}.")
    )
    return join(
        told, tables.folded("the whole configuration (config.toml)", tag("pre", to_toml(run.config), tabindex=0))
    )
