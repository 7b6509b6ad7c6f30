"""Evaluation: every sample once, whatever the number of ranks; sums are added over shards, then divided."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, SupportsFloat

import numpy as np

from ddtrain.comm.protocol import Communicator
from ddtrain.data import batch_of, shard_bounds
from ddtrain.errors import UsageError, kind_of, quoted
from ddtrain.ops import use_communicator
from ddtrain.parallel import ShardRunner
from ddtrain.param_store import ParamStore
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.step.loss_output import LossOutput
from ddtrain.trainer.step.totals import Totals
from ddtrain.trainer.task import Task

ROWS = 256  # samples at a time for each shard: few enough for memory, enough for large matrix products


def require_validation(config: Config, task: Task) -> None:
    """Raise UsageError if options need evaluations and the task has no validation data."""
    watchers = {
        "--eval.patience": config.eval.patience > 0,
        f"--schedule.name {config.schedule.name}": config.schedule.watches_evaluations(),
    }
    for watcher, given in watchers.items():
        if given and task.valid is None:
            raise UsageError(
                f"{watcher} watches evaluations, but there is no validation data",
                remedy="Give the Task some, as valid=..., or leave the option out.",
            )


def evaluate(task: Task, store: ParamStore, comm: Communicator, shards: ShardRunner) -> dict[str, float]:
    """Mean loss and metrics over the validation set, with derived figures. Collective.

    Shards without samples take part: they run the same number of batches, so that collectives in the model match.
    Buffers are the same on all ranks (Note [One value of a buffer]).
    """
    return _figures(task, store, comm, shards, batches=None)


def try_evaluation(task: Task, store: ParamStore, comm: Communicator, shards: ShardRunner) -> None:
    """Evaluate one batch as a test, so that an error shows before the first step, not after an epoch. Collective."""
    _figures(task, store, comm, shards, batches=1)


def _figures(
    task: Task, store: ParamStore, comm: Communicator, shards: ShardRunner, batches: int | None
) -> dict[str, float]:
    assert task.valid is not None, "a task without validation data has nothing to evaluate"
    valid, count = task.valid, shards.layout.count
    model, seen = task.model.bind(store.tensors), LossOutput(task.loss)

    def totals_of(shard: int, peers: Any) -> Totals:
        totals, n = Totals(), len(valid) if batches is None else min(len(valid), batches * ROWS * count)
        with use_communicator(peers), np.errstate(all="ignore"):
            for start in range(0, n, ROWS * count):
                size = min(ROWS * count, n - start)
                first, last = shard_bounds(size, shard, count)
                batch = batch_of(valid, np.arange(start + first, start + last), store.dtype)
                losses, metrics = seen.read(task.loss(model, *batch), last - first, batch)
                totals.add(losses, metrics)
        return totals

    mine = shards.map(totals_of)
    names = seen.agree(comm)
    rows = shards.layout.block_sums([totals.pack(names) for totals in mine])
    whole = np.empty_like(rows[0])
    comm.isum(rows, shards.layout.rank_tree, whole).wait()
    means = Totals.unpack(whole, names).means()
    for name in task.derived:
        if name in means:
            raise UsageError(
                f"Task: derived figure {quoted(name)} has the name of a metric that the loss returns",
                remedy="Give one of them another name.",
            )
    return means | {name: derived(name, figure, means) for name, figure in task.derived.items()}


def derived(name: str, figure: Callable[[Mapping[str, float]], float], means: Mapping[str, float]) -> float:
    """A figure computed from the averages: infinite if it overflows, NaN if it is not defined.

    Raises
    ------
    UsageError : it is not a number

    >>> derived("perplexity", lambda means: math.exp(means["loss"]), {"loss": 1000.0})
    inf
    """
    try:
        with np.errstate(all="ignore"):
            value = figure(means)
    except OverflowError:
        return math.inf
    except (ZeroDivisionError, FloatingPointError, ValueError):  # ValueError comes from a logarithm or a root
        return math.nan
    if isinstance(value, str | bytes) or np.ndim(value) or not isinstance(value, SupportsFloat):
        raise UsageError(
            f"Task: derived figure {quoted(name)} is {kind_of(value)} where a number is wanted",
            remedy="Return one real number, computed from the means.",
        )
    try:
        return float(value)
    except OverflowError:  # an integer too large for a float
        return math.inf
