"""What there is to say of a run in a few lines: for terminals, notebooks and reports."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ddtrain.runs.differences import Change, changes
from ddtrain.runs.history import History
from ddtrain.runs.run import Run
from ddtrain.trainer.main import Recipe
from ddtrain.trainer.records.console import duration
from ddtrain.trainer.records.run_lock import is_at_work

Rows = dict[str, str]


def overview(run: Run, recipes: Mapping[str, Recipe], history: History | None = None) -> Rows:
    """Lines about a run, by what they are about; those of which nothing is known are left out.

    Parameters
    ----------
    recipes : whose defaults the options are compared with
    history : if it has been read already
    """
    history = run.history if history is None else history
    return {about: text for about, text in _rows(run, recipes, history) if text}


def _rows(run: Run, recipes: Mapping[str, Recipe], history: History) -> list[tuple[str, str]]:
    summary = run.summary
    return [
        ("state", state(run)),
        ("progress", progress(run, history)),
        ("last", last_figures(history)),
        ("best", best_figures(history)),
        ("in the end", _in_the_end(summary, history)),
        ("checkpoints", _checkpoints(run)),
        ("options", in_words(changes(run, recipes))),
        ("time", _time(summary)),
        ("ranks", f"{summary['ranks']} ({summary['backend']})" if "ranks" in summary else ""),
        ("parameters", f"sha256 {summary['params_sha256']}" if "params_sha256" in summary else ""),
    ]


def state(run: Run) -> str:
    """How a run is, and why.

    A run whose job is gone without a word, as after ``kill -9``, still says ``running``: then this says so.
    """
    told = run.status
    name = str(told.get("state", "")) or "not begun"
    if name == "running" and not is_at_work(run.path):
        return "killed: its status says running, but no job is at work there"
    code = f" (exit code {told['code']}, rank {told.get('rank', 0)})" if told.get("code") else ""
    return f"{name}: {told['reason']}{code}" if told.get("reason") else name


def progress(run: Run, history: History) -> str:
    """Steps and epochs taken, of how many."""
    told = run.status
    if not told:
        return ""
    total = told.get("total_steps")
    epochs = f", epoch {history.epoch} of {run.config.get('run', {}).get('epochs', '?')}" if history.epoch else ""
    return f"step {told.get('step', 0)}{f' of {total}' if total else ''}{epochs}"


def last_figures(history: History) -> str:
    """The last value of each figure."""
    return "  ".join(f"{name} {history[name][-1]:.4g}" for name in history)


def best_figures(history: History) -> str:
    """The lowest validation loss, and the figures of the same evaluation."""
    name = "valid_loss"
    if name not in history or not np.isfinite(history[name]).any():
        return ""
    at = int(np.nanargmin(np.where(np.isfinite(history[name]), history[name], math.inf)))
    step = history.steps(name)[at]
    beside = [other for other in history if other.startswith("valid_") and len(history[other]) == len(history[name])]
    return "  ".join([*(f"{other} {history[other][at]:.4g}" for other in beside), f"at step {step}"])


def _in_the_end(summary: Mapping[str, Any], history: History) -> str:
    """The summary's figures of validation, where they are of other statistics or weights than the log's last ones."""
    told = {name: float(value) for name, value in summary.items() if name.startswith("valid_")}
    logged = {name: history[name][-1] for name in told if name in history}
    if all(name in logged and np.array_equal(value, logged[name], equal_nan=True) for name, value in told.items()):
        return ""
    return "  ".join(f"{name} {value:.4g}" for name, value in told.items())


def in_words(found: Mapping[str, Change]) -> str:
    """Options with their values, and their defaults behind where there are any.

    >>> in_words({"data.batch_size": Change(7, 128)})
    'data.batch_size 7 (128)'
    """
    return "  ".join(
        f"{name} {shown(value)}" + (f" ({shown(usual)})" if usual is not None and usual != value else "")
        for name, (value, usual) in found.items()
    )


def shown(value: Any) -> str:
    """An option's value as people read it: a text as it is, unless it is empty.

    >>> shown(""), shown("adam"), shown(True)
    ("''", 'adam', 'true')
    """
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) and value.strip() else "" if value is None else repr(value)


def _checkpoints(run: Run) -> str:
    there = run.checkpoints
    if not there:
        return "none"
    return f"{len(there)}, newest {there[-1].name}, best {run.best.name}"


def _time(summary: Mapping[str, Any]) -> str:
    if "seconds" not in summary:
        return ""
    return f"{duration(float(summary['seconds']))}, {float(summary.get('samples_per_s', 0)):.0f} samples/s in training"
