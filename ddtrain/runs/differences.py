"""Which of a run's options are not the usual ones, and in which options several runs differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ddtrain.errors import UsageError
from ddtrain.runs.run import Run
from ddtrain.trainer.config import command_line
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.main import Recipe

_PLACES = ("recipe", "run.dir", "run.resume")  # which say where a run is, not what


class Change(NamedTuple):
    """An option's value, and the one that it has if it is not given; None where there is none."""

    value: Any
    usual: Any


def flat(table: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """The leaves of a nested table by dotted name.

    >>> flat({"recipe": "mlp", "optim": {"lr": 0.1}})
    {'recipe': 'mlp', 'optim.lr': 0.1}
    """
    found: dict[str, Any] = {}
    for key, value in table.items():
        name = f"{path}.{key}" if path else key
        found |= flat(value, name) if isinstance(value, Mapping) else {name: value}
    return found


def changes(run: Run, recipes: Mapping[str, Recipe]) -> dict[str, Change]:
    """The options of a run that differ from their defaults: those of its recipe, or ddtrain's own if it is not known.

    A part, such as an optimizer, is compared with its own defaults.
    """
    usual = flat(_usual(run, recipes).to_table())
    parts = {name: value for name, value in flat(_defaults(run, recipes).to_table()).items() if name.endswith(".name")}
    usual |= parts
    told = {name: value for name, value in flat(run.config).items() if name not in _PLACES}
    return {
        name: Change(value, usual.get(name))
        for name, value in told.items()
        if name not in usual or usual[name] != value
    }


def differing(runs: Sequence[Run]) -> dict[str, list[Any]]:
    """The options in which runs differ, with the value of each run; None where one has no such option."""
    told = [flat(run.config) for run in runs]
    names = [name for name in dict.fromkeys(name for table in told for name in table) if name not in _PLACES]
    rows = {name: [table.get(name) for table in told] for name in names}
    return {name: values for name, values in rows.items() if any(value != values[0] for value in values)}


def _defaults(run: Run, recipes: Mapping[str, Recipe]) -> Config:
    if run.recipe in recipes:
        return command_line.defaults({run.recipe: (recipes[run.recipe].config, "")}, run.recipe)
    return Config()


def _usual(run: Run, recipes: Mapping[str, Recipe]) -> Config:
    """The defaults of the parts that the run has chosen."""
    config = _defaults(run, recipes)
    for section, values in run.config.items():
        if isinstance(values, Mapping) and "name" in values:
            try:
                config = config.updated({section: {"name": values["name"]}})
            except UsageError:  # a part of the user's, that is not loaded here
                continue
    return config
