"""The forward pass of an evaluation: the losses of some samples, with nothing dropped and nothing learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import DTypeLike

from ddtrain.data import Dataset, batch_of
from ddtrain.trainer.step.loss_output import LossOutput
from ddtrain.trainer.task import Task


class EvaluationPass:
    """What an evaluation computes of some rows of a data set, for the passes of ``trainer/step/passes``.

    Parameters
    ----------
    loss_output : checks what the loss function returns
    rows : the samples
    dtype : dtype to which the batch's floating arrays are cast

    Attributes
    ----------
    batch : the samples' arrays
    metrics : the metrics by name, a value for each sample, of the latest call
    """

    differentiated = False

    def __init__(self, task: Task, loss_output: LossOutput, dataset: Dataset, rows: Any, dtype: DTypeLike) -> None:
        self._task, self._loss_output, self._samples = task, loss_output, len(rows)
        self.batch = batch_of(dataset, rows, dtype)
        self.rng = None  # an evaluation draws no random numbers
        self.metrics: Mapping[str, Any] = {}
        self.updates: Mapping[str, Any] = {}  # and leaves buffers as they are

    def __call__(self, values: Mapping[str, Any], *, batch: tuple[Any, ...] | None = None, rng: Any = None) -> Any:
        """One loss a sample, from the parameters and buffers by path; ``batch`` stands in for the samples' arrays."""
        batch = self.batch if batch is None else batch
        returned = self._task.loss(self._task.model.bind(values), *batch)
        losses, self.metrics = self._loss_output.read(returned, self._samples, batch)
        return losses
