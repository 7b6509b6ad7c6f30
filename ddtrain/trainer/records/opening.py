"""What a directory holds that is to be opened: a run, or else what there is to say of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ddtrain.errors import UsageError, kind_of
from ddtrain.trainer.file_names import CONFIG, SEARCH, SEARCH_PAGE, STATE, SUMMARY, TRIALS, trial_name


def require_run(path: Any) -> Path:
    """The path of a run's directory.

    Raises
    ------
    UsageError : it is no path, or no run is there; of a checkpoint its run is named, and of a search its table and its
        best trial

    >>> require_run(3)
    Traceback (most recent call last):
    ddtrain.errors.UsageError: a run: an int where the path of a directory is wanted
      Give it as a text or a Path.
    """
    if not isinstance(path, str | os.PathLike):
        raise UsageError(
            f"a run: {kind_of(path)} where the path of a directory is wanted", remedy="Give it as a text or a Path."
        )
    directory = Path(os.path.expanduser(path))
    if (directory / SEARCH).is_file():
        raise _search(directory)
    if (run := run_of_checkpoint(directory)) is not None:
        raise UsageError(f"{path}: a checkpoint, not a run", remedy=f"Give its run, {run}, and it by --checkpoint.")
    if not (directory / CONFIG).is_file():
        raise UsageError(f"{path}: no run (it has no {CONFIG})", remedy="Give the directory of a run.")
    return directory


def run_of_checkpoint(path: Path) -> Path | None:
    """The run that has saved a checkpoint; None of anything else, or of a checkpoint that was taken elsewhere."""
    run = Path(os.path.normpath(path.absolute())).parent.parent
    return run if (path / STATE).is_file() and (run / CONFIG).is_file() else None


def _search(directory: Path) -> UsageError:
    """The error where a search is, and what to open instead."""
    try:
        best = trial_name(json.loads((directory / SUMMARY).read_bytes())["winners"][0])
    except (OSError, ValueError, LookupError, TypeError):
        return UsageError(
            f"{directory}: a search that is not over, not a run",
            remedy=f"Its trials are runs: ddtrain show {directory / TRIALS / trial_name(0)}.",
        )
    trial = directory / TRIALS / best
    return UsageError(
        f"{directory}: a search, not a run; its table is {directory / SEARCH_PAGE}",
        remedy=f"Its best trial is a run: ddtrain show {trial}, or ddtrain report {trial}.",
    )
