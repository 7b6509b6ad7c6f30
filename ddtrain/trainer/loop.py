"""The training loop, in the order of execution.

One ``Trainer`` lives on each rank. Whatever differs between ranks is decided elsewhere: the coordinator decides, the
records write, and both are the same call on every rank.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from ddtrain import data
from ddtrain.comm.protocol import Communicator
from ddtrain.diagnose import CheckedTape, check_gradients, locate, require_finite
from ddtrain.errors import CheckpointError, NonFiniteError, UsageError, first_line, quoted
from ddtrain.nn import from_torch, to_torch
from ddtrain.trainer import stop_signals
from ddtrain.trainer.checkpoint import finder, rank_state, writer
from ddtrain.trainer.checkpoint.contents import Snapshot
from ddtrain.trainer.checkpoint.state_json import check_memory
from ddtrain.trainer.config import tables
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.evaluate import evaluate, try_evaluation
from ddtrain.trainer.modes import make_mode
from ddtrain.trainer.numeric_environment import arithmetic
from ddtrain.trainer.records.run_records import Records
from ddtrain.trainer.records.timeline import Timeline, steps_of
from ddtrain.trainer.step.coordinator import Coordinator, Reason, StepControl
from ddtrain.trainer.step.loss_output import EVALUATION
from ddtrain.trainer.step.setup import build_step, fill
from ddtrain.trainer.step.train_step import located
from ddtrain.trainer.stop_signals import StopFile
from ddtrain.trainer.task import Task, compare_data


@dataclass
class Result:
    """How a run ended: the reason to stop, and the last figures of its evaluations."""

    reason: Reason
    step: int
    metrics: dict[str, float] = field(default_factory=dict)
    params_sha256: str = ""
    model_sha256: str = ""
    gradient_bytes: dict[str, int] = field(default_factory=dict)
    skipped: int = 0  # steps whose loss or gradient was not finite


class Trainer:
    """One rank's run.

    Parameters
    ----------
    comm : the run's communicator; its duplicates carry buckets and collectives inside the model
    config : the same on every rank
    task : model, loss and data
    stop_file : a file that asks the run to stop

    Attributes
    ----------
    store : the model's values
    records : what writes the run's directory and console; set it before the first step
    """

    records: Records

    def __init__(self, comm: Communicator, config: Config, task: Task, stop_file: StopFile | None = None) -> None:
        self.comm, self.config, self.task = comm, config, task
        self.samples, self.batch_size = len(task.train), config.data.batch_size
        _require_validation(config, task)
        self.data = compare_data(comm, task)
        self.step_of = build_step(comm, task, config)
        self.store, self.optimizer = self.step_of.store, self.step_of.optimizer
        self.mode = make_mode(self.step_of, config.comm)
        if config.debug.nans:
            self.step_of.tape_for = lambda rows: functools.partial(CheckedTape, rows=rows)
        steps_per_epoch = data.steps_per_epoch(self.samples, self.batch_size)
        self.coordinator = Coordinator(config, self.step_of.control_comm, steps_per_epoch, stop_file)
        self.step = 0  # steps taken
        self.metrics: dict[str, float] = {}  # of the latest evaluation
        self.evaluated = 0  # the step after which that was
        self._never_finite = _not_finite(self.store.tensors)  # by declaration, such as a mask of infinities
        self.timeline: Timeline | None = None  # while steps are traced
        self._order: tuple[int, Any] = (-1, None)  # an epoch and its permutation

    # -- the run --------------------------------------------------------------------------------------------------

    def run(self) -> Result:
        """Train to the end, or until something asks to stop."""
        traced = steps_of(self.config.debug.trace)
        if traced and not range(max(traced.start, self.step + 1), min(traced.stop, self.coordinator.total_steps + 1)):
            self.records.warn(f"--debug.trace {self.config.debug.trace} names no step that this run will take")
        reason = self._before_the_first_step()
        with np.errstate(all="ignore"):  # an update that overflows is found before it is saved
            while reason is Reason.NONE:
                if traced:
                    self._trace(self.step + 1, traced)
                control = self._keep(self.train_step())
                reason = control.reason if control.stop else Reason.NONE
        self._end_trace()
        with self.mode.shown():
            hashes = self.store.sha256(), self.store.model_sha256()
        bytes_sent, skipped = self.step_of.gradient_bytes, self.coordinator.skipped
        return Result(reason, self.step, self.metrics, *hashes, bytes_sent, skipped)

    def _before_the_first_step(self) -> Reason:
        """Make up for an evaluation that a kill has cost, or else try one out; why no step is to be taken, if so."""
        finished, reason = self.step >= self.coordinator.total_steps, Reason.NONE
        if self._evaluates and self.evaluated < self.step and self.coordinator.evaluates(self.step):
            control = self._evaluate(StepControl(lr=0.0, scale=1.0, grad_norm=0.0, stop=finished))
            self._complete(finder.path_of(self.records.directory, self.step), final=control.stop)
            reason = control.reason
        elif self.coordinator.out_of_patience and not finished:
            self.records.warn(f"--eval.patience {self.config.eval.patience} had run out before: give more to go on")
            reason = Reason.PATIENCE
        elif self._evaluates and not finished:
            with self._at("a trial of the evaluation", rank=self.comm.rank):
                try_evaluation(self.task, self.store, self.comm, self.step_of.shards)
        return Reason.FINISHED if finished else reason

    def train_step(self) -> StepControl:
        """One optimizer step: gradients of the next global batch, the decision, the update, one line in the log."""
        epoch, offset = data.position(self.step, self.samples, self.batch_size)
        rows = self._epoch_order(epoch)[offset * self.batch_size : (offset + 1) * self.batch_size]
        every = self.config.debug.check_gradients_every
        if every and self.step % every == 0:
            with self.mode.shown():
                checked = check_gradients(self.step_of, self.step, rows)
            self.records.gradients(self.step + 1, checked)
        started = perf_counter()
        totals = self.mode.gradients(self.step, rows, stop_signals.pending())
        reduced = perf_counter()
        try:
            control = self.coordinator.decide(self.step, totals, self.mode.square_norm())
        except NonFiniteError as error:
            raise locate(error, self.step_of, self.step, rows) from None
        decided = perf_counter()
        self.mode.apply(control)
        updated = perf_counter()
        self.step += 1
        self.records.step(self.step, epoch + 1, totals, control, updated - started)
        if self.timeline is not None:
            self.timeline.span("decide", reduced, decided)
            self.timeline.span("log", updated)
            self.timeline.span("step", started)
        return control

    def _epoch_order(self, epoch: int) -> Any:
        if self._order[0] != epoch:
            self._order = epoch, data.order(self.config.run.seed, epoch, self.samples)
        return self._order[1]

    # -- trace ----------------------------------------------------------------------------------------------------

    def _trace(self, step: int, traced: range) -> None:
        """Record from the first step of ``traced``, with all that follows it, until another step begins. Collective."""
        if step in traced:
            if self.timeline is None:
                self.timeline = self.step_of.timeline = Timeline(self.comm)
            self.timeline.step = step
        else:
            self._end_trace()

    def _end_trace(self) -> None:
        if self.timeline is not None:
            self.records.trace(self.timeline.gather())
            self.timeline = self.step_of.timeline = None

    # -- evaluation, checkpoint, resume ---------------------------------------------------------------------------

    def _at(self, phase: str, **place: Any) -> located:
        return located(lambda: phase, self.comm.rank, self.step, phase=phase, **place)

    @property
    def _evaluates(self) -> bool:
        return self.task.valid is not None and self.config.eval.every > 0

    def _keep(self, control: StepControl) -> StepControl:
        """Save, then evaluate, as an evaluation may fail, and then put into the checkpoint what it has shown.

        Every evaluation has a checkpoint, so that the best model is one that was saved.
        """
        evaluates = control.evaluate and self._evaluates
        path = self._checkpoint(final=control.stop) if control.checkpoint or evaluates else None
        if not evaluates:
            return control
        control = self._evaluate(control)
        if path is not None:
            self._complete(path, final=control.stop)
        elif control.stop:  # there was no room before
            self._checkpoint(final=True)
        return control

    def _evaluate(self, control: StepControl) -> StepControl:
        began = perf_counter()
        with self._at("evaluation", rank=self.comm.rank), self.mode.shown():
            found = evaluate(self.task, self.store, self.comm, self.step_of.shards)
        if self.timeline is not None:
            self.timeline.span("evaluation", began)
        self.metrics, self.evaluated = {f"{EVALUATION}{name}": value for name, value in found.items()}, self.step
        epoch = data.position(self.step - 1, self.samples, self.batch_size).epoch
        self.records.evaluation(self.step, epoch + 1, self.metrics)
        return self.coordinator.observe(self.step - 1, control, self.metrics["valid_loss"])

    def _checkpoint(self, final: bool) -> Path | None:
        """The checkpoint's directory, None if it could not be saved."""
        began, path = perf_counter(), None
        self.records.flush()
        memory = rank_state.gather(self.mode)
        with self._at("checkpoint"), self.mode.shown(state=True):
            state = self.mode.whole_state()
            kept = {**self.store.tensors, **{f"the optimizer's {name}": vector for name, vector in state.items()}}
            require_finite(self.comm, {name: x for name, x in kept.items() if name not in self._never_finite})
            take = lambda: self._snapshot(state, memory)
            with self._tolerating(final, f"checkpoint of step {self.step} not saved"):
                keep, spared = self.config.checkpoint.keep, self.records.spared
                path = writer.save(self.comm, self.records.directory, take, keep, spared)
        if self.timeline is not None:
            self.timeline.span("checkpoint", began)
        return path

    def _complete(self, path: Path, final: bool) -> None:
        """Put an evaluation into the checkpoint that was saved before it."""
        with self._tolerating(final, f"evaluation of step {self.step} not saved"):
            writer.complete(self.comm, path, self._findings, self.config.checkpoint.keep, self.records.spared)

    @contextmanager
    def _tolerating(self, final: bool, what: str) -> Iterator[None]:
        """That a disk is full ends a run only at its end."""
        try:
            yield
        except CheckpointError as error:
            if final:
                raise
            self.records.warn(f"{what}, training goes on: {error.one_line}")

    def _findings(self) -> dict[str, Any]:
        """What evaluations have shown so far, as fields of a snapshot."""
        found = {"metrics": self.metrics, "evaluated": self.evaluated}
        return {**found, "coordinator": self.coordinator.state_dict()}

    def _snapshot(self, state: Mapping[str, Any], memory: Mapping[str, Any]) -> Snapshot:
        epoch, offset = data.position(self.step, self.samples, self.batch_size)
        return Snapshot(
            step=self.step,
            epoch=epoch,
            position=offset * self.batch_size,
            seed=self.config.run.seed,
            data=self.data,
            model=to_torch(self.task.model, self.store.tensors),
            optim=state,
            memory=memory,
            optim_count=self.optimizer.count,
            config=self.config.to_table(),
            **self._findings(),
            params_sha256=self.store.sha256(),
            model_sha256=self.store.model_sha256(),
        )

    def resume(self, saved: Snapshot) -> list[str]:
        """Take up a saved run where it stood; a line for each thing that makes it go on differently.

        Raises
        ------
        CheckpointError : it is of another model or optimizer, or what it says makes no sense
        UsageError : something that decides the steps to come has changed
        """
        saved.require(to_torch(self.task.model, self.store.tensors), self.mode.state_like())
        changes = self._changes(saved)
        if not self.data.startswith(saved.data):  # a checkpoint may hold less: once only some sets had a checksum
            raise UsageError(
                f"the training data is {self.data}, but the checkpoint's run had {saved.data}",
                remedy="Give the data that the run had, or start anew in another --run.dir.",
            )
        epoch, offset = data.position(saved.step, self.samples, self.batch_size)
        place = {"epoch": epoch, "position": offset * self.batch_size, "seed": self.config.run.seed}
        for name, here in place.items():
            if getattr(saved, name) != here:
                said = f"{name} is {getattr(saved, name)}, where it can only be {here}"
                raise CheckpointError(f"checkpoint of step {saved.step}: foreign: {said}")
        check_memory(saved.memory, self.store.values.size)
        tensors = from_torch(self.task.model, saved.model)
        self.store.load_state(tensors)
        self.mode.load_state(saved.optim)
        fill(self.comm, self.step_of.node, lambda: self.store.load_parameters(tensors))
        self.optimizer.count = saved.optim_count
        self.coordinator.load(dict(saved.coordinator))
        self.step, self.metrics, self.evaluated = saved.step, dict(saved.metrics), saved.evaluated
        self.mode.done = self.step
        now = self.config.to_table()
        decide = _EXCHANGE if self.config.comm.hook == "exact" else (*_EXCHANGE, "comm.bucket_bytes")  # cuts the pieces
        same = all(tables.value_at(saved.config, option) in (None, tables.value_at(now, option)) for option in decide)
        try:
            changed = rank_state.give_back(self.mode, saved.memory, same)
        except (LookupError, ValueError) as error:
            raise CheckpointError(
                f"checkpoint of step {saved.step}: foreign: its memory.safetensors is not what {self.config.comm.mode} "
                f"and {self.config.comm.hook} remember ({first_line(error)})"
            ) from error
        changes += [
            f"{name} is {now_here!r}, but the checkpoint's run had {saved.versions[name]!r}: last bits may differ"
            for name, now_here in arithmetic().items()
            if saved.versions.get(name, now_here) != now_here
        ]
        return [*changes, changed] if changed else changes

    def _changes(self, saved: Snapshot) -> list[str]:
        """What is told otherwise than it was, among what decides the steps to come; some of it cannot be."""
        now, changes = self.config.to_table(), []
        for option in tables.leaves(self.config):
            if option.split(".")[0] not in _DECIDING and option not in (*_FIXED, *_DECIDING):
                continue
            then, said = (tables.value_at(table, option) for table in (saved.config, now))
            name = tables.option(option)
            if not _same_kind(then, said) and (then is not None or option in _FIXED):
                raise CheckpointError(
                    f"checkpoint of step {saved.step}: foreign: its {name} is {quoted(then)}, not such as {said}"
                )
            if then != said and option in _FIXED:
                raise UsageError(
                    f"{name} is {said}, but the checkpoint's run had {then}",
                    remedy=f"Give {name} {then}, or start anew in another --run.dir.",
                )
            if then != said and then is not None:  # None: saved before there was such an option
                changes.append(f"{name} is {said}, but was {then}: the run goes on differently")
        end = tables.value_at(saved.config, "run.steps")
        if isinstance(end, int) and saved.step < end and self.config.run.steps == 0:
            changes.append(f"--run.steps is 0 (no limit), but was {end}: the run goes on past it")
        return changes


def _require_validation(config: Config, task: Task) -> None:
    watchers = {
        "--eval.patience": config.eval.patience > 0,
        "--schedule.name plateau": config.schedule.name == "plateau",
    }
    for watcher, given in watchers.items():
        if given and task.valid is None:
            raise UsageError(
                f"{watcher} watches evaluations, but there is no validation data",
                remedy="Give the Task some, as valid=..., or leave the option out.",
            )


def _not_finite(tensors: Mapping[str, Any]) -> set[str]:
    return {name for name, x in tensors.items() if np.asarray(x).dtype.kind in "fc" and not np.all(np.isfinite(x))}


def _same_kind(then: Any, said: Any) -> bool:
    return type(then) is type(said) or {type(then), type(said)} <= {int, float}


_EXCHANGE = ("comm.mode", "comm.hook")
_FIXED = ("run.seed", "run.dtype", "data.batch_size")  # a step number means nothing without them
_DECIDING = (
    *("optim", "schedule", "clip", "model"),  # whole sections
    *("run.epochs", "run.shards", "run.accumulate", "comm.hook", "comm.topk_fraction", "comm.powersgd_rank"),
    *("comm.mode", "comm.sync_every", "comm.outer_lr", "comm.outer_momentum", "comm.node_memory"),
)
