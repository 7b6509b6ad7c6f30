"""A recipe's model as a run has trained it: from a run's directory to a task and a bound model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ddtrain.errors import CheckpointError, UsageError, quoted
from ddtrain.nn import Module, from_torch
from ddtrain.recipes import RECIPES
from ddtrain.trainer.checkpoint import finder, fitted_state
from ddtrain.trainer.config import command_line, toml_files
from ddtrain.trainer.file_names import CONFIG
from ddtrain.trainer.main import Recipe
from ddtrain.trainer.task import Task, build_task


class Trained(NamedTuple):
    """What a run has made of a recipe.

    Attributes
    ----------
    recipe, task : the recipe's name, and the task of the run's configuration, with what the checkpoint stores of what
        was fitted to data
    model : with the checkpoint's values, for evaluation
    checkpoint : the checkpoint's directory
    """

    recipe: str
    task: Task
    model: Module
    checkpoint: Path


def load_trained(
    run_dir: Path | str, checkpoint: str = "best", recipes: Mapping[str, Recipe] = RECIPES, kind: type[Task] = Task
) -> Trained:
    """Load what a run has trained.

    Parameters
    ----------
    run_dir : the run's directory, with its config.toml
    checkpoint : "best" (by its evaluation; the newest if there was none), "last", or a checkpoint's path
    recipes : where the recipe's name is looked up
    kind : what the recipe's task must be

    Raises
    ------
    UsageError : there is no such run, its recipe is not known, or its task is of another kind
    CheckpointError : there is no such checkpoint, it is damaged, or of another model or other inputs
    """
    source = Path(run_dir) / CONFIG
    if not source.exists():
        raise UsageError(f"{run_dir}: no run (it has no config.toml)", remedy="Give the directory of a run.")
    table = toml_files.read_toml(str(source))
    name = table.pop("recipe", None)
    if not isinstance(name, str) or name not in recipes:
        raise UsageError(f"{source}: recipe {quoted(name)} is not known", remedy=f"There are {', '.join(recipes)}.")
    config = command_line.defaults({name: (recipes[name].config, "")}, name).updated(table)
    path = _checkpoint(Path(run_dir), checkpoint)  # before the task is built, which may take seconds
    snapshot = finder.load(path).snapshot
    task = build_task(recipes[name].build, config)
    if not isinstance(task, kind):
        raise UsageError(
            f"{run_dir}: the task of recipe {name} is no {kind.__name__}",
            remedy="Give a run of a recipe whose task is.",
        )
    try:
        values = from_torch(task.model, snapshot.model)
    except UsageError as error:
        raise CheckpointError(f"{path}: not of the model in {source}: {error.message}") from None
    fitted_state.load(task.fitted, snapshot.fitted, str(path))
    return Trained(name, task, task.model.bind(values), path)


def _checkpoint(run_dir: Path, wanted: str) -> Path:
    if wanted not in ("best", "last"):
        path = Path(wanted)
        if not path.is_dir():
            raise CheckpointError(f"{wanted}: no such checkpoint", remedy="Give best, last, or a step-... directory.")
        return path
    there = finder.checkpoints(run_dir)
    if not there:
        raise CheckpointError(f"{run_dir}: the run has no checkpoint", remedy="Train it for an epoch.")
    return there[0] if wanted == "last" else min(there, key=finder.goodness)
