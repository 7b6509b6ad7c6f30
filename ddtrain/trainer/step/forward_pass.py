"""The forward pass of a training step: the losses of some samples, as a function of the model's values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from numpy.typing import DTypeLike, NDArray

from ddtrain import data
from ddtrain.nn.binding import Watcher
from ddtrain.rng import SampleRng
from ddtrain.trainer.step.loss_output import LossOutput
from ddtrain.trainer.task import Task


class Forward(Protocol):
    """What a pass runs: the losses of some samples, as a function of the model's values.

    Attributes
    ----------
    differentiated : whether a backward pass follows
    batch, rng : the samples' arrays, and their randomness
    metrics, updates : of the latest call
    """

    differentiated: bool
    batch: tuple[Any, ...]
    rng: Any
    metrics: Mapping[str, Any]
    updates: Mapping[str, Any]

    def __call__(self, values: Mapping[str, Any], *, batch: tuple[Any, ...] | None = None, rng: Any = None) -> Any: ...


class ForwardPass:
    """What a step differentiates, for samples ``first`` to ``last`` of its global batch.

    Called again with other values, it sees the same samples and draws the same random numbers.

    Parameters
    ----------
    loss_output : checks what the loss function returns
    seed, step : the run's seed and the step, counted from 0, from which dropout's numbers are drawn
    rows : the samples of the global batch
    dtype : dtype to which the batch's floating arrays are cast

    Attributes
    ----------
    batch : the samples' arrays
    rng : the randomness of the samples
    metrics : the metrics by name, a value for each sample, of the latest call
    updates : the new values of the model's buffers by path, of the latest call
    drawn : what the latest call first drew random numbers for, such as 'dropout/head'; empty if for nothing
    """

    differentiated = True

    def __init__(
        self,
        task: Task,
        loss_output: LossOutput,
        seed: int,
        step: int,
        rows: Any,
        first: int,
        last: int,
        dtype: DTypeLike,
        epoch: int = 0,
    ) -> None:
        self._task, self._loss_output, self.rng = task, loss_output, SampleRng(seed, step, first)
        self._samples = last - first
        self.batch = data.training_batch_of(task.train, rows[first:last], dtype, seed=seed, epoch=epoch)
        self.metrics: Mapping[str, NDArray[Any]] = {}
        self.updates: Mapping[str, Any] = {}
        self.drawn = ""

    def __call__(
        self,
        values: Mapping[str, Any],
        calls: Callable[..., Any] | None = None,
        watcher: Watcher | None = None,
        batch: tuple[Any, ...] | None = None,
        rng: Any = None,
    ) -> Any:
        """One loss a sample, from the parameters and buffers by path.

        Parameters
        ----------
        calls : what answers the loss function's calls of the model, in its place (``nn/model_outputs.py``)
        watcher : is told of the calls of all modules
        batch, rng : stand in for the samples' arrays and their randomness, where these are traced
        """
        batch = self.batch if batch is None else batch
        model = self._task.model.bind(values, training=True, rng=self.rng if rng is None else rng)
        model.run.calls, model.run.watcher = calls, watcher
        losses, self.metrics = self._loss_output.read(self._task.loss(model, *batch), self._samples, batch)
        # a checkpoint that runs again on the way back does so within the model, and is no further call
        model.run.calls = model.run.watcher = None
        self.updates, self.drawn = model.run.updates, model.run.drawn
        return losses
