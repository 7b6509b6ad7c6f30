"""Batch-norm's statistics of the whole population, for the weights that a run ends with.

Note [Moving and population]
The running averages of training are those of the last batches, each seen by other weights. Ioffe and Szegedy
(arXiv:1502.03167, algorithm 2) normalise a trained network by the means over many batches, of the final weights: of the
batches' means, and of their unbiased variances. A run that goes on from its last checkpoint must have the bits of one
that never stopped, and its running averages are among them. So the model keeps those, and the others lie beside it, in
the checkpoint's ``population.safetensors``, for whoever loads the model as trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ddtrain.errors import UsageError
from ddtrain.nn import Module, to_torch
from ddtrain.nn.state_dict import by_path
from ddtrain.trainer.average.batch_statistics import recompute_statistics, running_statistics
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.step.coordinator import Reason
from ddtrain.trainer.step.train_step import TrainStep
from ddtrain.trainer.task import Task


def require_batch_norm(config: Config, task: Task) -> None:
    """Raise UsageError if statistics of the population are asked for and the model has none that move."""
    if config.norm.statistics == "population" and not running_statistics(task.model):
        raise UsageError(
            "--norm.statistics population: the model has no nn.BatchNorm, whose statistics these would be",
            remedy="Leave it out.",
        )


def wanted(config: Config, reason: Reason) -> bool:
    """Whether a run that ends for a reason gets statistics of the population; not one that stops to be resumed."""
    return config.norm.statistics == "population" and reason in (Reason.FINISHED, Reason.PATIENCE)


@contextmanager
def population_statistics(
    train_step: TrainStep, task: Task, each_batch: Callable[[], None] = lambda: None
) -> Iterator[Mapping[str, Any]]:
    """While inside, the store has statistics of all batches for the weights in it; then those it had, bit for bit.

    Collective. Gives them as arrays of their own, by exported name; ``each_batch`` is called after each batch.
    """
    store = train_step.store
    moving = store.state.copy()
    recompute_statistics(train_step, task, each_batch)
    yield {name: x.copy() for name, x in exported_statistics(task.model, store.tensors).items()}
    store.state[...] = moving


def exported_statistics(model: Module, tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Of the exported tensors of a model, the running statistics of batch-norm, under each of their names.

    >>> from ddtrain import nn
    >>> model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm(2))
    >>> list(exported_statistics(model, model.init()))
    ['1.running_mean', '1.running_var', '1.num_batches_tracked']
    """
    named, names = by_path(model), running_statistics(model)
    of_layers = {id(named[name]) for name in names}
    return {name: x for name, x in to_torch(model, tensors).items() if id(named[name]) in of_layers}
