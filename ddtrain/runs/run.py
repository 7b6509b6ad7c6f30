"""A run that can be opened: its figures, its checkpoints, and the model that it has trained."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ddtrain.data import Fitted
from ddtrain.errors import CheckpointError, UsageError, kind_of
from ddtrain.nn import Module
from ddtrain.runs.history import History
from ddtrain.trainer.checkpoint import Snapshot, finder, fitted_state, stored_model
from ddtrain.trainer.config import toml_files
from ddtrain.trainer.file_names import CONFIG, SUMMARY
from ddtrain.trainer.records import opening, status


class Run:
    """A run's directory, of a run that is over or going on; what is asked for is read when it is asked for.

    Parameters
    ----------
    path : the directory

    Raises
    ------
    UsageError : no run has made it; where a search has, its best trial is named

    Attributes
    ----------
    path : the directory
    config : what the run was told, as a nested dict

    Examples
    --------
    ``run = ddtrain.Run("runs/mine"); run.history["valid_loss"].min()``; ``model = run.load(Net())``.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = opening.require_run(path)

    @cached_property
    def config(self) -> dict[str, Any]:
        return toml_files.read_toml(str(self.path / CONFIG))

    @property
    def recipe(self) -> str:
        """The name of the recipe or script."""
        return str(self.config.get("recipe", ""))

    @property
    def status(self) -> dict[str, Any]:
        """What status.json says now: state (running, completed, stopped, failed), step, code, rank, reason, time."""
        return status.read(self.path)

    @property
    def state(self) -> str:
        """running, completed, stopped or failed; empty if the run has not begun."""
        return str(self.status.get("state", ""))

    @property
    def summary(self) -> dict[str, Any]:
        """The final figures; empty while the run is going on."""
        try:
            found: dict[str, Any] = json.loads((self.path / SUMMARY).read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise UsageError(f"{self.path / SUMMARY} cannot be read: {error}") from None
        return found

    @property
    def history(self) -> History:
        """The figures so far, as arrays by name."""
        return History.read(self.path)

    @property
    def checkpoints(self) -> list[Path]:
        """The checkpoints' directories, oldest first."""
        return finder.checkpoints(self.path)[::-1]

    @property
    def last(self) -> Path:
        """The newest checkpoint."""
        return self._some_checkpoint()[-1]

    @property
    def best(self) -> Path:
        """The checkpoint with the lowest validation loss; the newest if none was evaluated."""
        return min(self._some_checkpoint(), key=finder.goodness)

    def snapshot(self, checkpoint: Path | str = "best") -> Snapshot:
        """What is in a checkpoint, verified.

        Parameters
        ----------
        checkpoint : "best", "last", or a path

        Raises
        ------
        CheckpointError : there is none, or it is damaged
        """
        return finder.load(self.find(checkpoint)).snapshot

    def find(self, checkpoint: Path | str = "best") -> Path:
        """The directory of the checkpoint that is meant; see :meth:`snapshot`."""
        if checkpoint in ("best", "last"):
            return self.best if checkpoint == "best" else self.last
        path = Path(checkpoint)
        if not path.is_dir():
            raise CheckpointError(
                f"{checkpoint}: no such checkpoint", remedy="Give best, last, or a step-... directory."
            )
        return path

    def load(
        self, model: Module, checkpoint: Path | str = "best", *, fitted: Mapping[str, Fitted] = MappingProxyType({})
    ) -> Any:
        """The model with a checkpoint's values, bound for evaluation.

        Batch-norm has the statistics of the population, where the run ended with these.

        Parameters
        ----------
        model : unbound, of the same tree as the one that was trained
        fitted : what goes on with what the checkpoint stores of it, by its name in the task's ``fitted``; see
            :meth:`fitted` for making it anew

        Raises
        ------
        CheckpointError : its tensors are not the model's: what is missing, unexpected or of another shape is listed; or
            it does not store what is to be ``fitted``
        """
        if not isinstance(model, Module):
            raise UsageError(f"Run.load: {kind_of(model)} where a model is wanted", remedy="Give an nn.Module.")
        path = self.find(checkpoint)
        snapshot = finder.load(path).snapshot
        bound = model.bind(stored_model.values_for(model, snapshot, str(path)))
        there = {name: x for name, x in snapshot.fitted.items() if name.partition("/")[0] in fitted}
        fitted_state.load(fitted, there, str(path))
        return bound

    def fitted(self, checkpoint: Path | str = "best") -> dict[str, dict[str, Any]]:
        """What a checkpoint stores of the task's ``fitted``, by name: scaling, names of classes, a vocabulary.

        ``Standardize.from_state(run.fitted()["inputs"])`` needs none of the data.
        """
        return fitted_state.states_of(self.snapshot(checkpoint).fitted)

    def plot(self, *names: str, file: Path | str | None = None) -> Any:
        """Learning curves as a matplotlib figure, which notebooks show; an exploding loss does not ruin the axis.

        Parameters
        ----------
        names : of figures in the history, by default loss and metrics, of training and validation
        file : where the picture is also written (.png, .svg, .pdf)

        Raises
        ------
        UsageError : matplotlib is not installed, there is no such figure or no step yet, or no such kind of picture
        DataError : the file cannot be written
        """
        try:
            from ddtrain.runs import pictures
        except ImportError:
            raise UsageError("run.plot: matplotlib is not installed", remedy="pip install 'ddtrain[plots]'") from None
        history = self.history
        if not len(history):
            raise UsageError(f"run.plot: {self.path}: no step has been taken", remedy="Plot it later.")
        for name in names:
            history.steps(name)  # which says what there is, if there is no such figure
        return pictures.draw(history, names, f"{self.recipe} in {self.path.name}", file)

    def _some_checkpoint(self) -> list[Path]:
        found = self.checkpoints
        if not found:
            raise CheckpointError(f"{self.path}: the run has no checkpoint", remedy="Train it for an epoch.")
        return found

    def _repr_html_(self) -> str:
        """What notebooks show."""
        last = "  ".join(f"{name} {values[-1]:.4g}" for name, values in self.history.items())
        state = f"{self.state or 'not begun'}, step {self.status.get('step', 0)}"
        rows = {"run": f"{self.recipe} in {self.path}", "state": state, "last": last}
        cells = "".join(f"<tr><th>{name}</th><td>{html.escape(text)}</td></tr>" for name, text in rows.items() if text)
        return f"<table>{cells}</table>"

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}: {self.recipe}, {self.state or 'not begun'}, step {self.status.get('step', 0)})"
