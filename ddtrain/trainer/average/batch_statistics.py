"""Batch-norm's running statistics for weights that no step was taken with, by a pass over the training data.

Note [Statistics of an average]
Layers see other inputs with averaged weights than with any that were trained, so batch-norm's running statistics of
training do not fit. One pass of forward computations in training mode gives new ones: the mean over all batches of
their moments, as PyTorch's ``update_bn`` computes them. Batches are those of the first epoch, with its augmentation and
random numbers, so that the result depends on the weights alone, and has the same bits on any number of ranks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

from ddtrain import data
from ddtrain.nn import BatchNorm, Module
from ddtrain.ops import use_communicator
from ddtrain.trainer.step.forward_pass import ForwardPass
from ddtrain.trainer.step.totals import Totals
from ddtrain.trainer.step.train_step import TrainStep
from ddtrain.trainer.task import Task


def recompute_statistics(train_step: TrainStep, task: Task, each_batch: Callable[[], None] = lambda: None) -> None:
    """Set the running statistics of all batch-norm layers to the means over the training data. Collective.

    Parameters
    ----------
    each_batch : called after each batch
    """
    model = deepcopy(task.model)
    store, of_layers = train_step.store, running_statistics(model)
    if not of_layers:
        return
    for name in of_layers:
        store.state_views[name][...] = 0
    for _, layer in _batch_norms(model):
        layer.momentum = None  # the mean over all batches
    twin = replace(task, model=model)
    batches = data.batches_of(task.train, seed=train_step.seed, epoch=0, batch_size=train_step.batch_size)
    for step, rows in enumerate(batches):
        for name, value in _left_by(train_step, twin, step, rows).items():
            if name in of_layers:
                store.state_views[name][...] = value
        each_batch()


def running_statistics(model: Module) -> frozenset[str]:
    """The paths of the running statistics of all batch-norm layers; of a layer at several places, the first.

    >>> from ddtrain import nn
    >>> sorted(running_statistics(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm(2))))
    ['1.num_batches_tracked', '1.running_mean', '1.running_var']
    """
    named = ("running_mean", "running_var", "num_batches_tracked")
    return frozenset(f"{path}{name}" for path, _ in _batch_norms(model) for name in named) & {*model.declarations()}


def _left_by(train_step: TrainStep, task: Task, step: int, rows: Any) -> dict[str, Any]:
    """The new values of buffers that a forward pass over a global batch leaves. Collective."""
    store, layout, exchange = train_step.store, train_step.shard_layout, train_step.totals_exchange
    results: dict[int, tuple[Totals, Any]] = {}

    def forward(shard: int, peers: Any) -> None:
        first, last = data.shard_bounds(len(rows), shard, layout.count)
        run = ForwardPass(task, train_step.loss_output, train_step.seed, step, rows, first, last, store.dtype)
        with use_communicator(peers):
            losses, totals = run(store.tensors), Totals()
            totals.add(losses, run.metrics)
        results[shard] = totals, run.updates

    train_step.shards.map(forward)
    exchange.begin(step)
    for shard in layout.shards:
        exchange.add(*results[shard])
    exchange.start()
    return exchange.wait()[1]


def _batch_norms(module: Module, prefix: str = "") -> Iterator[tuple[str, BatchNorm]]:
    """All batch-norm layers with their paths, which end in a dot; one at several places with each."""
    if isinstance(module, BatchNorm):
        yield prefix, module
    for name, child in module.children():
        yield from _batch_norms(child, f"{prefix}{name}.")
