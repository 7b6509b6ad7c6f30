"""A run that is looked into: its task, and a training step of this rank that can stand at any of its checkpoints."""

# n parameters

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ddtrain import data
from ddtrain.comm import Communicator, run_on_all
from ddtrain.comm.protocol import Array
from ddtrain.errors import UsageError
from ddtrain.recipes import RECIPES
from ddtrain.recipes.trained import read_run
from ddtrain.runs.diagnosing.training_loss import TrainingLoss
from ddtrain.runs.run import Run
from ddtrain.trainer.checkpoint import Snapshot, finder
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.config.validation import validate
from ddtrain.trainer.evaluation.trained_values import TrainedValues
from ddtrain.trainer.main import Recipe
from ddtrain.trainer.step.setup import write_once_per_node
from ddtrain.trainer.task import Loss, Task, augmented, verify_same_data
from ddtrain.trainer.tries.data_limits import limited


@dataclass(frozen=True)
class Point:
    """A checkpoint as a point of the loss.

    Attributes
    ----------
    path : of the checkpoint
    snapshot : what is in it
    x : (n,) the parameters that are trained, as the step's store lays them out
    values : all values that the run evaluates there, by path: batch-norm's statistics too
    """

    path: Path
    snapshot: Snapshot
    x: Array
    values: Mapping[str, Array]


class OpenedRun:
    """One rank's means to look into a run. Collective, like its methods.

    Parameters
    ----------
    comm : ranks that share the work
    run : the run's directory
    recipes : where its recipe is looked up; of a run that :func:`ddtrain.fit` has made, its task
    dtype : in place of the run's own; empty: that
    evaluation : the loss as in evaluation (batch-norm by its stored statistics, no dropout), in place of that which is
        trained on

    Raises
    ------
    UsageError : on all ranks: there is no such run, its recipe is not known, or it cannot be had on so many ranks
    """

    def __init__(
        self,
        comm: Communicator,
        run: Path | str,
        recipes: Mapping[str, Recipe] | Task = RECIPES,
        dtype: str = "",
        evaluation: bool = False,
    ) -> None:
        self.comm = comm
        known = run_on_all(comm, lambda: _of_fit(run, recipes)) if isinstance(recipes, Task) else recipes
        saved = run_on_all(comm, lambda: read_run(run, known))
        if dtype:
            saved = saved._replace(config=saved.config.updated({"run": {"dtype": dtype}}))
        self.saved, self.config = saved, saved.config
        run_on_all(comm, lambda: validate(self.config, comm.size))
        task = run_on_all(comm, lambda: limited(saved.build_task(known), self.config))
        verify_same_data(comm, task)
        task = augmented(task, self.config.data.augment)
        self.task = replace(task, loss=_evaluated(task.loss)) if evaluation else task
        self._trained = TrainedValues(comm, self.config, self.task)
        self.train_step = self._trained.train_step
        self.store = self.train_step.store

    @property
    def steps_per_epoch(self) -> int:
        return data.steps_per_epoch(len(self.task.train), self.config.data.batch_size)

    def point(self, checkpoint: str = "best") -> Point:
        """A checkpoint: best, last, or a path. Collective.

        Raises
        ------
        CheckpointError : on all ranks: there is none, it is damaged, or of another model
        """
        path = run_on_all(self.comm, lambda: self.saved.checkpoints(checkpoint)[-1])
        snapshot = run_on_all(self.comm, lambda: finder.load(path).snapshot)
        values = self._trained.of(snapshot, str(path))
        x = np.empty(self.store.values.size, self.store.dtype)
        for name, span in zip(self.store.names, self.store.spans, strict=True):
            x[span] = np.ravel(values[name])
        return Point(path, snapshot, x, values)

    def path_of_run(self) -> list[Point]:
        """All checkpoints of the run, oldest first. Collective."""
        count = len(run_on_all(self.comm, lambda: self.saved.checkpoints("all")))
        return [self.point(str(self.saved.checkpoints("all")[k])) for k in range(count)]

    def stand_at(self, point: Point) -> None:
        """Give the training step's parameters and buffers the values of a checkpoint. Collective."""
        self.store.load_state(point.values)
        write_once_per_node(self.comm, self.train_step.node, lambda: self.store.load_parameters(point.values))

    def loss_around(self, point: Point, batches: int) -> TrainingLoss:
        """The mean loss of the batches that the run takes after a checkpoint, as a function of the weights. Collective.

        Parameters
        ----------
        batches : how many; 0: those of a whole epoch
        """
        if batches < 0:
            raise UsageError(f"--batches {batches} is out of range", remedy="Give 1 or more, or 0 for an epoch.")
        self.stand_at(point)
        first, count = point.snapshot.step, batches or self.steps_per_epoch
        if not batches:
            first -= first % self.steps_per_epoch
        return TrainingLoss(self.train_step, [(step, self.rows_of(step)) for step in range(first, first + count)])

    def rows_of(self, step: int) -> Any:
        """The samples of a step's global batch, as in the run."""
        size = self.config.data.batch_size
        epoch, offset = data.position(step, len(self.task.train), size)
        order = data.order_of(self.task.train, seed=self.config.run.seed, epoch=epoch)
        return order[offset * size : (offset + 1) * size]


def _of_fit(run: Path | str, task: Task) -> dict[str, Recipe]:
    return {Run(run).recipe: Recipe(Config(), lambda config: task, "")}


def _evaluated(loss: Loss) -> Loss:
    return lambda model, *batch: loss(model.evaluating(), *batch)
