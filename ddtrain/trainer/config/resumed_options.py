"""The options of a resumed run: ``--run.resume`` continues with the run's own options, which need not be repeated.

They come from the run's ``config.toml`` and replace only the recipe's defaults, so that options on the command line
still count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ddtrain.trainer.config import renamed, toml_files
from ddtrain.trainer.config.options import value_of
from ddtrain.trainer.file_names import CONFIG, STATE

OF_ONE_START = {  # options, by section, that belong to one start of a run and are not taken over by the next
    "run": ("dir", "steps", "resume"),
    "comm": ("backend",),
    "debug": ("nans", "check_gradients_every", "trace"),
}


def files(
    options: Sequence[str], given: Sequence[tuple[str, Mapping[str, Any]]], resume: str, directory: str
) -> list[tuple[str, dict[str, Any]]]:
    """The configuration file of the run to be resumed, without options of one start only; empty if there is none.

    Parameters
    ----------
    options : from the command line, as they stand there
    given : configuration files from the command line
    resume, directory : ``run.resume`` and ``run.dir``, if neither options nor files set them
    """
    resume, directory = (_said(options, given, key) or last for key, last in (("resume", resume), ("dir", directory)))
    if resume == "never" or (resume == "auto" and not directory):
        return []
    try:
        file = _run_of(directory if resume == "auto" else resume) / CONFIG
        there = file.is_file()
    except (OSError, ValueError):  # the name is too long, or has a null character
        return []
    if not there:
        return []
    table, _ = renamed.in_table(toml_files.read_toml(str(file)), renamed.RENAMED.values())
    return [(str(file), _lasting(table))]


def _run_of(named: str) -> Path:
    """The run's directory, given it, its directory of checkpoints, or one checkpoint."""
    path = Path(toml_files.at_home(named))
    if (path / STATE).exists():
        return path.absolute().parent.parent
    return path.parent if path.name == "checkpoints" else path


def _said(options: Sequence[str], given: Sequence[tuple[str, Mapping[str, Any]]], key: str) -> str:
    said = ""
    for _, table in given:
        section = table.get("run")
        said = str(section.get(key, said)) if isinstance(section, Mapping) else said
    return value_of(options, f"--run.{key}") or said


def _lasting(table: dict[str, Any]) -> dict[str, Any]:
    sections = {name: table[name] for name in OF_ONE_START if isinstance(table.get(name), Mapping)}
    return table | {
        name: {key: value for key, value in section.items() if key not in OF_ONE_START[name]}
        for name, section in sections.items()
    }
