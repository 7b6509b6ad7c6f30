"""Evaluation: every sample once, whatever the number of ranks; sums are added over shards, then divided."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, SupportsFloat, TypeVar

import numpy as np

from ddtrain.comm import run_on_rank_0
from ddtrain.comm.protocol import Communicator
from ddtrain.data import shard_bounds
from ddtrain.errors import UsageError, kind_of, quoted
from ddtrain.ops import use_communicator
from ddtrain.parallel import ShardRunner
from ddtrain.param_store import ParamStore
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.evaluation.all_samples import AllSamples
from ddtrain.trainer.evaluation.evaluation_pass import EvaluationPass
from ddtrain.trainer.evaluation.report import report
from ddtrain.trainer.evaluation.samples import worst_and_best
from ddtrain.trainer.step.loss_output import LossOutput
from ddtrain.trainer.step.passes import ShardPasses
from ddtrain.trainer.step.totals import Totals
from ddtrain.trainer.task import Task

T = TypeVar("T")

ROWS = 256  # samples at a time for each shard: few enough for memory, enough for large matrix products


def require_validation(config: Config, task: Task) -> None:
    """Raise UsageError if options need evaluations and the task has no validation data."""
    watchers = {
        "--eval.patience": config.eval.patience > 0,
        "--eval.samples": config.eval.samples > 0,
        f"--schedule.name {config.schedule.name}": config.schedule.watches_evaluations(),
    }
    for watcher, given in watchers.items():
        if given and task.valid is None:
            raise UsageError(
                f"{watcher} watches evaluations, but there is no validation data",
                remedy="Give the Task some, as valid=..., or leave the option out.",
            )


class Evaluated(NamedTuple):
    """What an evaluation has found.

    Attributes
    ----------
    figures : by name, the same on all ranks: mean loss, metrics, derived figures, and numbers of the task's report; of
        several validation sets with their names before, ``near_loss``, beside the first one's ``loss``
    arrays : of the task's report, as files of RUN/reports have them, by the file's name; on rank 0 alone
    samples : as RUN/samples.json has them; on rank 0 alone, and empty if none are asked for
    """

    figures: dict[str, float]
    arrays: dict[str, Any]
    samples: dict[str, Any]


def evaluate(
    task: Task,
    store: ParamStore,
    comm: Communicator,
    shards: ShardRunner,
    samples: int = 0,
    each_batch: Callable[[], None] = lambda: None,
    passes: ShardPasses | None = None,
) -> Evaluated:
    """Figures of all validation sets, and the worst and best samples of the first. Collective.

    ``each_batch`` is called after each batch of each shard, as evaluations can take long. ``passes`` are kept from one
    evaluation to the next, so that batches are repeated by plans; without them Python runs the model on every batch.
    Shards without samples take part: they run the same number of batches, so that collectives in the model match.
    Buffers are the same on all ranks (Note [One value of a buffer]).
    """
    return _evaluated(task, store, comm, shards, None, samples, each_batch, passes)


def try_evaluation(
    task: Task, store: ParamStore, comm: Communicator, shards: ShardRunner, passes: ShardPasses | None = None
) -> None:
    """Evaluate one batch of each validation set as a test, so that an error shows before the first step, not after an
    epoch. Collective.
    """
    _evaluated(task, store, comm, shards, 1, 0, lambda: None, passes)


def _evaluated(
    task: Task,
    store: ParamStore,
    comm: Communicator,
    shards: ShardRunner,
    batches: int | None,
    samples: int,
    each_batch: Callable[[], None],
    passes: ShardPasses | None,
) -> Evaluated:
    passes = passes or ShardPasses(store, enabled=False)
    found = Evaluated({}, {}, {})
    for name, dataset in task.valid_sets.items():
        kept = AllSamples() if task.report or (samples and dataset is task.valid) else None
        means = _means(task, name, store, comm, shards, batches, kept, each_batch, passes)
        means |= {key: derived(key, figure, means) for key, figure in _apart(task.derived, "derived", means).items()}
        columns = kept.gathered(comm) if kept else {}
        # of a part of the samples, in a trial, a figure may not be defined
        if task.report and (batches is None or len(dataset) <= batches * ROWS * shards.layout.count):
            _apart(task.report, "report", means)
            prefix = f"{name}_" if name else ""
            means |= run_on_rank_0(comm, partial(_reported, task, columns, found.arrays, prefix))
        if samples and dataset is task.valid:
            run_on_rank_0(comm, partial(_show, task, store, columns, samples, found.samples))
        _merge(found.figures, name, means)
    return found


def _reported(task: Task, columns: Mapping[str, Any], arrays: dict[str, Any], prefix: str) -> dict[str, float]:
    numbers, more = report(task, columns)
    arrays.update({f"{prefix}{name}": contents for name, contents in more.items()})
    return numbers


def _show(task: Task, store: ParamStore, columns: Mapping[str, Any], count: int, samples: dict[str, Any]) -> None:
    samples.update(worst_and_best(task, store, columns["losses"], count))


def _merge(figures: dict[str, float], name: str, means: Mapping[str, float]) -> None:
    """Add the figures of a validation set; of one with a name, under that name."""
    if name and not figures:
        figures["loss"] = means["loss"]
    for key, value in means.items():
        key = f"{name}_{key}" if name else key
        if key in figures:
            raise UsageError(f"Task: two figures of the validation data have the name {key}", remedy="Rename one.")
        figures[key] = value


def _apart(more: Mapping[str, T], kind: str, means: Mapping[str, float]) -> Mapping[str, T]:
    """Further figures, if none has the name of another."""
    for name in more:
        if name in means:
            raise UsageError(
                f"Task: {kind} figure {quoted(name)} has the name of a metric that the loss returns",
                remedy="Give one of them another name.",
            )
    return more


def _means(
    task: Task,
    name: str,
    store: ParamStore,
    comm: Communicator,
    shards: ShardRunner,
    batches: int | None,
    kept: AllSamples | None,
    each_batch: Callable[[], None],
    passes: ShardPasses,
) -> dict[str, float]:
    """Mean loss and metrics over a validation set, or its first batches; losses, and what a report is of, are kept."""
    dataset, count = task.valid_sets[name], shards.layout.count
    model, seen = task.model.bind(store.tensors), LossOutput(task.loss)

    def totals_of(shard: int, peers: Any) -> Totals:
        totals, n = Totals(), len(dataset) if batches is None else min(len(dataset), batches * ROWS * count)
        with use_communicator(peers), np.errstate(all="ignore"):
            for start in range(0, n, ROWS * count):
                size = min(ROWS * count, n - start)
                first, last = shard_bounds(size, shard, count)
                rows = np.arange(start + first, start + last)
                forward = EvaluationPass(task, seen, dataset, rows, store.dtype)
                run = passes.make(forward, (shard, peers), name)
                losses = run.forward()
                totals.add(losses, run.metrics)
                seen.names = tuple(run.metrics) if seen.names is None else seen.names  # a plan reads none
                if kept is not None:
                    pair = task.outputs(model, *forward.batch) if task.report else ()
                    kept.add(rows, {"losses": losses, **dict(zip(("outputs", "targets"), pair, strict=False))})
                each_batch()
        return totals

    mine = shards.map(totals_of)
    names = seen.agree(comm)
    rows = shards.layout.block_sums([totals.pack(names) for totals in mine])
    whole = np.empty_like(rows[0])
    comm.isum(rows, shards.layout.rank_tree, whole).wait()
    return Totals.unpack(whole, names).means()


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
    except Exception as error:
        error.add_note(f"in Task(derived=...), {name}")
        raise
    if isinstance(value, str | bytes) or np.ndim(value) or not isinstance(value, SupportsFloat):
        raise UsageError(
            f"Task: derived figure {quoted(name)} is {kind_of(value)} where a number is wanted",
            remedy="Return one real number, computed from the means.",
        )
    try:
        return float(value)
    except OverflowError:  # an integer too large for a float
        return math.inf
