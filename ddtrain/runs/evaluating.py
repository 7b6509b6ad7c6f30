"""Mean loss and metrics of a model on any data, on one rank or several, with the same bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ddtrain.comm import Communicator
from ddtrain.data import ArrayData, Dataset
from ddtrain.errors import UsageError, kind_of
from ddtrain.runs.predicting import BATCH, of_batches, require_values
from ddtrain.trainer.evaluation.evaluate import derived
from ddtrain.trainer.step.loss_output import LossOutput
from ddtrain.trainer.step.totals import Totals
from ddtrain.trainer.task import Loss, Task


def evaluate(
    net: Callable[..., Any],
    task_or_loss: Task | Loss,
    data: Dataset | tuple[Any, ...] | None = None,
    batch_size: int = BATCH,
    *,
    comm: Communicator | None = None,
) -> dict[str, float]:
    """Mean loss and metrics over all samples, and a task's derived figures. Collective, where there are ranks.

    Parameters
    ----------
    net : a bound model, which is evaluated whatever it was bound for
    task_or_loss : a task, or a loss function as a task has it
    data : a data set, or a tuple of arrays; by default the validation data of the task, the first of several
    batch_size, comm : as for :func:`ddtrain.predict`

    Returns
    -------
    Figures by name, "loss" first; the sums are over samples in order, so that ranks change no bit

    Raises
    ------
    UsageError : there is no data, or the model has no values, or is none

    Examples
    --------
    >>> from ddtrain import nn
    >>> net = nn.Linear(1, 1).bind({"weight": np.array([[2.0]]), "bias": np.zeros(1)})
    >>> loss = lambda model, x, y: ((model(x)[:, 0] - y) ** 2, {"above": model(x)[:, 0] > y})
    >>> evaluate(net, loss, (np.array([[1.0], [2.0]]), np.array([1.0, 4.0])))
    {'loss': 0.5, 'above': 0.5}
    """
    require_values("evaluate", net)
    task = task_or_loss if isinstance(task_or_loss, Task) else None
    loss: Loss = task.loss if task else task_or_loss  # type: ignore[assignment]  # what is no task is a loss
    dataset = _dataset(data if data is not None or task is None else task.valid)
    seen = LossOutput(loss)

    def one_a_sample(model: Any, batch: tuple[Any, ...]) -> tuple[Any, dict[str, Any]]:
        return seen.read(loss(model, *batch), len(batch[0]), batch)

    losses, metrics = of_batches("evaluate", net, one_a_sample, dataset, batch_size, comm)
    totals = Totals()
    totals.add(losses, metrics)
    means = totals.means()
    return means | {name: derived(name, figure, means) for name, figure in (task.derived if task else {}).items()}


def _dataset(data: Any) -> Dataset:
    if isinstance(data, np.ndarray | tuple):
        data = ArrayData(*(data if isinstance(data, tuple) else (data,)))
    if data is None or not callable(getattr(data, "batch", None)):
        raise UsageError(
            f"evaluate: {kind_of(data)} where data is wanted", remedy="Give a data set or a tuple of arrays, as data=."
        )
    dataset: Dataset = data
    return dataset
