"""A recipe's model as a run has trained it: from a run's directory to a task and a bound model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ddtrain.comm import run_on_all
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import UsageError, quoted
from ddtrain.nn import Module
from ddtrain.recipes import RECIPES
from ddtrain.runs.run import Run
from ddtrain.trainer.checkpoint import finder
from ddtrain.trainer.config import command_line, toml_files
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.evaluation.trained_values import TrainedValues
from ddtrain.trainer.file_names import CONFIG
from ddtrain.trainer.main import Recipe
from ddtrain.trainer.records.opening import require_run
from ddtrain.trainer.task import Task, build_task


class SavedRun(NamedTuple):
    """A run's directory, and what its config.toml says."""

    directory: Path
    recipe: str
    config: Config

    def build_task(self, recipes: Mapping[str, Recipe], kind: type[Task] = Task) -> Task:
        """The task that the run trained.

        Raises
        ------
        UsageError : it is of another kind
        """
        task = build_task(recipes[self.recipe].build, self.config)
        if not isinstance(task, kind):
            raise UsageError(
                f"{self.directory}: the task of recipe {self.recipe} is no {kind.__name__}",
                remedy="Give a run of a recipe whose task is.",
            )
        return task

    def checkpoints(self, wanted: str) -> list[Path]:
        """The checkpoints that a word or a path stands for: "best" (by its evaluation; the newest if there was none),
        "last", or "all", oldest first.

        Raises
        ------
        CheckpointError : there is none
        """
        run = Run(self.directory)
        if wanted == "all":
            run.find("last")  # raises if there is none
            return run.checkpoints
        return [run.find(wanted)]


def read_run(run_dir: Path | str, recipes: Mapping[str, Recipe] = RECIPES) -> SavedRun:
    """What a run's directory says of it.

    Raises
    ------
    UsageError : there is no such run, or its recipe is not known
    """
    source = require_run(run_dir) / CONFIG
    table = toml_files.read_toml(str(source))
    name = table.pop("recipe", None)
    if not isinstance(name, str) or name not in recipes:
        raise UsageError(f"{source}: recipe {quoted(name)} is not known here", remedy=_remedy(name, recipes))
    config = command_line.defaults({name: (recipes[name].config, "")}, name).updated(table)
    return SavedRun(Path(run_dir), name, config)


def _remedy(name: Any, recipes: Mapping[str, Recipe]) -> str:
    """What to do about a run whose recipe is not there: it is that of a script, or of a call of ``fit``."""
    return (
        f"There is {', '.join(recipes)}. A run of a script of your own is looked at by the script: python "
        f"{name}.py VERB RUN. One of ddtrain.fit is opened with ddtrain.Run(RUN).load(model)."
    )


class Trained(NamedTuple):
    """What a run has made of a recipe.

    Attributes
    ----------
    recipe, task : the recipe's name, and the task of the run's configuration, with what the checkpoint stores of what
        was fitted to data
    model : with the values that the run evaluates, see ``trainer/evaluation/``, for evaluation
    checkpoint : the checkpoint's directory
    values : those of the model, by path
    """

    recipe: str
    task: Task
    model: Module
    checkpoint: Path
    values: Mapping[str, Any]


def load_trained(
    run_dir: Path | str, checkpoint: str = "best", recipes: Mapping[str, Recipe] = RECIPES, kind: type[Task] = Task
) -> Trained:
    """Load what a run has trained.

    Parameters
    ----------
    run_dir : the run's directory, with its config.toml
    checkpoint : "best", "last", or a checkpoint's path, see :meth:`SavedRun.checkpoints`
    recipes : where the recipe's name is looked up
    kind : what the recipe's task must be

    Raises
    ------
    UsageError : there is no such run, its recipe is not known, or its task is of another kind
    CheckpointError : there is no such checkpoint, it is damaged, or of another model or other inputs
    """
    run = read_run(run_dir, recipes)
    path = run.checkpoints(checkpoint)[-1]  # before the task is built, which may take seconds
    task = run.build_task(recipes, kind)
    values = read_values(TrainedValues(LocalCommunicator(), run.config, task), path)
    return Trained(run.recipe, task, task.model.bind(values), path, values)


def read_values(trained: TrainedValues, path: Path) -> dict[str, Any]:
    """The values that a run evaluates at a checkpoint, by path. Collective.

    Raises
    ------
    CheckpointError : on all ranks: it is damaged, or of another model or other inputs
    """
    snapshot = run_on_all(trained.comm, lambda: finder.load(path).snapshot)
    return trained.of(snapshot, str(path))
