"""A run's model as the run evaluates it, from its checkpoints: the weights or their average, with their statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ddtrain.comm.protocol import Array, Communicator
from ddtrain.errors import CheckpointError, UsageError
from ddtrain.nn import Module
from ddtrain.optim.averages import AVERAGE, WeightAverage
from ddtrain.param_store import ParamStore
from ddtrain.trainer.average.batch_statistics import recompute_statistics
from ddtrain.trainer.checkpoint import Snapshot, fitted_state, stored_model
from ddtrain.trainer.config.config import Comm, Config
from ddtrain.trainer.evaluation.evaluate import evaluate
from ddtrain.trainer.step.loss_output import EVALUATION
from ddtrain.trainer.step.setup import build_step, planned_steps, write_once_per_node
from ddtrain.trainer.step.train_step import TrainStep
from ddtrain.trainer.task import Task, augmented


class TrainedValues:
    """One rank's means to read checkpoints of one run, and to evaluate. Collective, like its methods.

    Sums over samples are added as the run adds them: with its ``--run.shards``, or on as many ranks, figures have the
    bits of the run's own evaluation.

    Parameters
    ----------
    config, task : the run's
    """

    def __init__(self, comm: Communicator, config: Config, task: Task) -> None:
        self.comm, self.config, self.task = comm, config, task
        self._average = config.average.laid_over(planned_steps(task, config))
        self._built: TrainStep | None = None

    @property
    def train_step(self) -> TrainStep:
        """A training step with the mode and the hook of no nodes, which is made when it is first asked for."""
        # No functools.cached_property: before Python 3.12, ranks that are threads would wait for its one lock.
        if self._built is None:  # how the values were trained does not matter
            self._built = build_step(self.comm, self.task, replace(self.config, comm=Comm()))
        return self._built

    def of(self, snapshot: Snapshot, place: str = "the checkpoint") -> dict[str, Array]:
        """The values that the run evaluates at this checkpoint, by path.

        With ``--average.evaluate`` those are the average, if it had begun. Batch-norm has the statistics of the
        population where the checkpoint has them, and is given new ones where the run computed them for its evaluation.
        What the task fits to data becomes what the checkpoint stores of it.

        Parameters
        ----------
        place : where the checkpoint is, for messages

        Raises
        ------
        CheckpointError : it is of another model or other inputs, or without the average
        """
        whose = "the model in the run's config.toml"
        values = stored_model.values_for(self.task.model, snapshot, place, whose)
        fitted_state.load(self.task.fitted, snapshot.fitted, place)
        average = self._average
        if not (isinstance(average, WeightAverage) and average.evaluate and average.begun(snapshot.optim_count)):
            return values
        train_step = self.train_step
        store = train_step.store
        averaged = snapshot.optim.get(AVERAGE)
        if averaged is None or averaged.shape != store.values.shape:
            raise CheckpointError(
                f"{place}: without the average of the weights that the run's config.toml says it evaluates"
            )

        def write() -> None:
            store.values[...] = averaged

        store.load_state(values)
        write_once_per_node(self.comm, train_step.node, write)
        if average.recomputes_statistics() and not snapshot.population:
            recompute_statistics(train_step, augmented(self.task, self.config.data.augment))
        found = {name: x.copy() for name, x in store.tensors.items()}
        self.comm.barrier()  # no rank of the node reads the values any more
        return found

    def figures(self, model: Module, values: Mapping[str, Any]) -> dict[str, float]:
        """Figures of a model on all validation data, by the names of metrics.jsonl, and on test data, ``test_loss``.

        Raises
        ------
        UsageError : there is no data to evaluate on
        """
        if self.task.valid is None and self.task.test is None:
            raise UsageError("there is no validation data to evaluate on", remedy="Give runs of a task that has some.")
        store = ParamStore({}, values, self.config.run.dtype)
        figures: dict[str, float] = {}
        for prefix, task in ((EVALUATION, self.task), ("test_", replace(self.task, valid=self.task.test))):
            found = evaluate(replace(task, model=model), store, self.comm, self.train_step.shards).figures
            figures |= {f"{prefix}{name}": value for name, value in found.items()}
        return figures
