"""Checks that a configuration makes sense: every value against its range, and options against each other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import isfinite

from ddtrain.callbacks import parse as parse_callbacks
from ddtrain.errors import UsageError, quoted
from ddtrain.optim import BatchMethod, ProbingOptim
from ddtrain.trainer.config import tables
from ddtrain.trainer.config.config import Config, Run
from ddtrain.trainer.config.step_ranges import rates_of, steps_of

_LONGEST_NAME = 255  # longest name of a file or directory in bytes: NAME_MAX of all common file systems


def validate(config: Config, size: int) -> None:
    """Check every value against its range and against the others.

    Parameters
    ----------
    config : any recipe's configuration
    size : number of ranks that will share each batch

    Raises
    ------
    UsageError : the first value out of range, as its option, with the allowed range.

    >>> from ddtrain.trainer.config.config import Data
    >>> validate(Config(data=Data(batch_size=2)), size=4)
    Traceback (most recent call last):
    ddtrain.errors.UsageError: --data.batch-size 2 is smaller than the 4 ranks that share it
      Give at least 4, or start fewer ranks.
    """
    config.updated(config.to_table())  # check types and choices, because Python does not when a script makes a Config
    for problem, remedy in _problems(config, size):
        raise UsageError(problem, remedy=remedy)
    steps_of(config.debug.trace)
    rates_of(config.run.lr_range_test)
    parse_callbacks(config.log.to)


def _problems(config: Config, size: int) -> Iterator[tuple[str, str]]:
    for option, ok, allowed in _ranges(config):
        value = tables.lookup(config, option)
        if not ok or (isinstance(value, float) and not isfinite(value)):
            yield f"{tables.option(option)} {quoted(value)} is out of range", f"Give {allowed}."
    for option in ("run.dir", "run.resume", "data.root"):
        longest = max(map(len, os.fsencode(tables.lookup(config, option)).split(b"/")))
        if longest > _LONGEST_NAME:
            yield f"{tables.option(option)} has a name of {longest} bytes", f"Give at most {_LONGEST_NAME} to a name."
    if config.data.batch_size < size:
        yield (
            f"--data.batch-size {config.data.batch_size} is smaller than the {size} ranks that share it",
            f"Give at least {size}, or start fewer ranks.",
        )
    if 0 < config.run.shards < size:
        yield (
            f"--run.shards {config.run.shards} is less than the {size} ranks that share them",
            f"Give at least {size}, or start fewer ranks.",
        )
    if config.run.shards > config.data.batch_size:
        yield (
            f"--run.shards {config.run.shards} is more than the {config.data.batch_size} samples of a batch",
            "Give fewer shards or a larger batch.",
        )
    if config.run.accumulate * size > config.data.batch_size:
        yield (
            f"--run.accumulate {config.run.accumulate} cuts --data.batch-size {config.data.batch_size}, shared by "
            f"{size} ranks, into empty pieces",
            "Accumulate fewer pieces, or give a larger batch.",
        )
    yield from _contradictions(config)
    base_lr = config.schedule.scaled(config.optim.lr, config.data.batch_size)
    if config.schedule.min_lr > base_lr:
        scaled = "" if base_lr == config.optim.lr else f", which --schedule.scale-lr makes {base_lr}"
        yield f"--schedule.min-lr {config.schedule.min_lr} is above --optim.lr {config.optim.lr}{scaled}", "Lower it."
    watches = config.schedule.watches_evaluations()
    if config.eval.every == 0 and (watches or config.eval.patience or config.eval.samples):
        option = "--eval.patience" if config.eval.patience else "--eval.samples"
        watcher = f"--schedule.name {config.schedule.name}" if watches else option
        yield f"{watcher} watches evaluations, but --eval.every is 0", "Give --eval.every at least 1."


def _contradictions(config: Config) -> Iterator[tuple[str, str]]:
    """Pairs of options that do not go together."""
    comm, shards = config.comm, config.run.shards
    leave_out = "Leave out one of them."
    if shards and comm.hook != "exact":
        yield (
            f"--comm.hook {comm.hook} with --run.shards {shards}: what it leaves out depends on the number of nodes, "
            "and shards promise results that do not",
            leave_out,
        )
    if shards and comm.mode in ("local", "diloco"):
        yield (
            f"--comm.mode {comm.mode} with --run.shards {shards}: how nodes go apart depends on their number, "
            "and shards promise results that do not",
            leave_out,
        )
    if shards and comm.sharded_optimizer:
        yield f"--comm.sharded-optimizer with --run.shards {shards}: sums of shards go to all nodes", leave_out
    if shards and config.run.accumulate > 1:
        yield (
            f"--run.accumulate {config.run.accumulate} with --run.shards {shards}: a rank's shards are computed "
            "one after another anyway",
            leave_out,
        )
    if isinstance(config.optim, BatchMethod):
        yield from _batch_method(config)
    yield from _quick_tries(config.run)
    if isinstance(config.optim, ProbingOptim) and (comm.mode != "sync" or comm.hook != "exact"):
        other = f"--comm.mode {comm.mode}" if comm.mode != "sync" else f"--comm.hook {comm.hook}"
        yield (
            f"--optim.name {config.optim.name} with {other}: a step that computes its gradient at another point needs "
            "exact sums of that step",
            leave_out,
        )
    if config.average.name != "none" and comm.mode == "diloco":
        yield (
            f"--average.name {config.average.name} with --comm.mode diloco: the outer steps move the weights after "
            "they have entered the average",
            leave_out,
        )
    if comm.mode != "sync" and comm.hook != "exact":
        yield (
            f"--comm.hook {comm.hook} with --comm.mode {comm.mode}: hooks are for sums that every step waits for",
            leave_out,
        )
    if config.debug.trace and comm.mode == "stale":
        yield (
            f"--debug.trace {config.debug.trace} with --comm.mode stale: a trace shows the buckets of one step",
            leave_out,
        )
    if comm.sharded_optimizer and (comm.mode != "sync" or comm.hook != "exact"):
        other = f"--comm.mode {comm.mode}" if comm.mode != "sync" else f"--comm.hook {comm.hook}"
        yield f"--comm.sharded-optimizer with {other}: a divided optimizer needs exact sums in every step", leave_out


def _quick_tries(run: Run) -> Iterator[tuple[str, str]]:
    """What does not go together with options for quick tries."""
    if run.limit and run.overfit_batches:
        yield f"--run.limit {run.limit} with --run.overfit-batches {run.overfit_batches}", "Leave out one of them."
    if run.lr_range_test and run.resume != "never":
        yield (
            f"--run.resume {quoted(run.resume, plain=True)} with --run.lr-range-test {run.lr_range_test}: a test of "
            "rates saves nothing that a run could go on from",
            "Start anew, in another --run.dir.",
        )


def _batch_method(config: Config) -> Iterator[tuple[str, str]]:
    """What does not go together with a method that evaluates its batch at several points."""
    name, comm, clip = config.optim.name, config.comm, config.clip
    others = {
        f"--comm.mode {comm.mode}": comm.mode != "sync",
        f"--comm.hook {comm.hook}": comm.hook != "exact",
        "--comm.sharded-optimizer": comm.sharded_optimizer,
        f"--clip.norm {clip.norm}": clip.norm > 0,
        f"--clip.value {clip.value}": clip.value > 0,
        f"--run.lr-range-test {config.run.lr_range_test}": config.run.lr_range_test != "",
    }
    for other, given in others.items():
        if given:
            yield (
                f"{other} with --optim.name {name}, which takes steps of its own length on exact sums",
                "Leave it out.",
            )


def _ranges(config: Config) -> Iterator[tuple[str, bool, str]]:
    comm, run, data, clip = config.comm, config.run, config.data, config.clip
    yield "comm.bucket_bytes", comm.bucket_bytes >= 1, "at least 1"
    yield "comm.topk_fraction", 0 < comm.topk_fraction <= 1, "above 0 and at most 1"
    yield "comm.powersgd_rank", comm.powersgd_rank >= 1, "at least 1"
    yield "comm.sync_every", comm.sync_every >= 1, "at least 1"
    yield "comm.outer_lr", comm.outer_lr > 0, "a finite number above 0"
    yield "comm.outer_momentum", 0 <= comm.outer_momentum < 1, "at least 0 and below 1"
    yield "run.accumulate", run.accumulate >= 1, "at least 1"
    yield "run.shards", run.shards >= 0, "0 (one a rank) or more"
    yield "run.seed", 0 <= run.seed < 2**64, "an integer from 0 to 2**64 - 1"
    yield "run.epochs", run.epochs >= 1, "at least 1"
    yield "run.steps", run.steps >= 0, "0 (no limit) or more"
    yield "run.limit", run.limit >= 0, "0 (all samples) or more"
    yield "run.overfit_batches", run.overfit_batches >= 0, "0 (all data) or more"
    yield "plan.compile_after", config.plan.compile_after >= 0, "0 (at once) or more"
    yield "plan.verify_steps", config.plan.verify_steps >= 0, "0 (none) or more"
    yield "debug.check_gradients_every", config.debug.check_gradients_every >= 0, "0 (never) or more"
    yield "eval.every", config.eval.every >= 0, "0 (never) or more"
    yield "checkpoint.every", config.checkpoint.every >= 0, "0 (once an epoch) or more"
    yield "checkpoint.keep", config.checkpoint.keep >= 1, "at least 1"
    yield "nonfinite.max_skips", config.nonfinite.max_skips >= 1, "at least 1"
    yield "eval.patience", config.eval.patience >= 0, "0 (never) or more"
    yield "eval.samples", config.eval.samples >= 0, "0 (none) or more"
    yield "data.batch_size", data.batch_size >= 1, "at least 1"
    yield "data.prefetch", data.prefetch >= 0, "0 (none) or more"
    for section, part in vars(config).items():  # parts, and sections of a recipe that say what their ranges are
        if callable(getattr(part, "ranges", None)):
            yield from ((f"{section}.{name}", ok, allowed) for name, ok, allowed in part.ranges())
    yield "clip.norm", clip.norm >= 0, "a finite number, 0 (off) or more"
    yield "clip.value", clip.value >= 0, "a finite number, 0 (off) or more"
