"""The training loop, in the order of execution.

One ``Trainer`` lives on each rank. Whatever differs between ranks is decided elsewhere: the coordinator decides, the
records write, and both are the same call on every rank.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from ddtrain import data
from ddtrain.comm.protocol import Communicator
from ddtrain.diagnose import CheckedTape, check_gradients, locate_nonfinite
from ddtrain.errors import NonFiniteError
from ddtrain.trainer import stop_signals
from ddtrain.trainer.average.averaged_weights import AveragedWeights
from ddtrain.trainer.average.population import population_statistics, require_batch_norm, wanted
from ddtrain.trainer.checkpoint import finder
from ddtrain.trainer.checkpoint import save_run as checkpoint
from ddtrain.trainer.checkpoint.fitted_state import tensors_of
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.config.step_ranges import steps_of
from ddtrain.trainer.error_context import error_context
from ddtrain.trainer.evaluation.evaluate import evaluate, require_validation, try_evaluation
from ddtrain.trainer.evaluation.trial_samples import try_extremes
from ddtrain.trainer.modes import make_mode
from ddtrain.trainer.records.plan_notes import PlanNotes
from ddtrain.trainer.records.run_records import RunRecords
from ddtrain.trainer.run_state import RunState
from ddtrain.trainer.step.coordinator import Coordinator, Reason, StepControl
from ddtrain.trainer.step.loss_output import EVALUATION
from ddtrain.trainer.step.setup import build_step, make_passes, planned_steps
from ddtrain.trainer.step.timeline import Timeline
from ddtrain.trainer.stop_signals import StopFile
from ddtrain.trainer.task import Task, augmented, verify_same_data
from ddtrain.trainer.watching import Watching


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
    state : the run's state, of which checkpoints are made
    store : the model's values
    average : of the weights, if the options ask for one
    records : what writes the run's directory and console; set it before the first step
    watching : the callbacks, none unless it is set

    >>> from ddtrain import nn
    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> x = np.linspace(-1.0, 1.0, 40)[:, None]
    >>> task = Task(nn.Linear(1, 1), lambda model, x: (model(x)[:, 0] - 3 * x[:, 0]) ** 2, train=(x,))
    >>> config = Config().updated({"run": {"epochs": 2}, "data": {"batch_size": 10}})
    >>> trainer = Trainer(LocalCommunicator(), config, task)
    >>> trainer.coordinator.total_steps, trainer.store.names
    (8, ['weight', 'bias'])
    """

    records: RunRecords

    def __init__(self, comm: Communicator, config: Config, task: Task, stop_file: StopFile | None = None) -> None:
        require_validation(config, task)
        require_batch_norm(config, task)
        data_seen = verify_same_data(comm, task)
        data.fit_over_ranks(task.fitted, comm)  # now that all ranks are known to have the same
        tensors_of(task.fitted)  # what cannot be saved is said before the first step
        task = augmented(task, config.data.augment)
        self.comm, self.config, self.task = comm, config, task
        self.samples, self.batch_size = len(task.train), config.data.batch_size
        self.train_step = build_step(comm, task, config)
        self.store = self.train_step.store
        self.mode = make_mode(self.train_step, config.comm)
        self.average = AveragedWeights(self.mode, task, config.average.laid_over(planned_steps(task, config)))
        if config.debug.nans:
            self.train_step.tape_for = lambda rows: functools.partial(CheckedTape, rows=rows)
        steps_per_epoch = data.steps_per_epoch(self.samples, self.batch_size)
        self.coordinator = Coordinator(config, self.train_step.control_comm, steps_per_epoch, stop_file)
        self.state = RunState(config, task, data_seen, self.mode, self.coordinator)
        self.watching = Watching(comm, (), self.state, self.coordinator.total_steps, Path())
        self.timeline: Timeline | None = None  # set while steps are traced
        # an epoch is shuffled once; two are kept, as batches that are read ahead may be the next epoch's
        self._epoch_order = functools.lru_cache(2)(
            lambda epoch: data.order_of(task.train, seed=config.run.seed, epoch=epoch)
        )
        self.evaluation_passes = make_passes(task, self.store, config, self.train_step.node)
        self._plan_notes = PlanNotes()
        self._prefetched: data.Prefetched | None = None
        if config.data.prefetch:
            self._prefetch(config.data.prefetch)

    def _prefetch(self, ahead: int) -> None:
        """Let a thread read this rank's batches ahead of the steps."""
        dtype, seed = self.store.dtype, self.config.run.seed
        self._prefetched = data.Prefetched(self.task.train, dtype, seed=seed, ahead=ahead, parts_of=self._parts_of)
        self.task = self.train_step.task = replace(self.task, train=self._prefetched)

    def _parts_of(self, step: int) -> list[tuple[Any, int]]:
        """What this rank's shards read in a step: rows, and their epoch; nothing after the last step."""
        if step >= self.coordinator.total_steps:
            return []
        place, layout = self.state.position(step), self.train_step.shard_layout
        rows = self._rows_at(place)
        bounds = [data.shard_bounds(len(rows), shard, layout.count) for shard in layout.shards]
        return [(rows[first:last], place.epoch) for first, last in bounds]

    def run(self) -> Result:
        """Train to the end, or until a stop is requested."""
        with self._prefetched or nullcontext():
            return self._run()

    def _run(self) -> Result:
        traced = self._traced_steps()
        self.watching.start()
        reason = self._before_the_first_step()
        with np.errstate(all="ignore"):  # no warnings: an overflowing update is found and reported before it is saved
            while reason is Reason.NONE:
                if traced:
                    self._trace(self.state.step + 1, traced)
                control = self._save_and_evaluate(self.take_step())
                reason = control.reason if control.stop else Reason.NONE
        self._end_trace()
        if wanted(self.config, reason) and self.state.population < self.state.step:
            self._end_with_population()
        self.watching.end()
        if not self.average.export(self.records.directory):
            self.records.warn(f"--average.export: the average has not begun after {self.state.step} steps")
        with self.mode.consolidated():
            hashes = self.store.sha256(), self.store.model_sha256()
        bytes_sent, skipped = self.train_step.gradient_bytes, self.coordinator.skipped
        return Result(reason, self.state.step, self.state.metrics, *hashes, bytes_sent, skipped)

    def _before_the_first_step(self) -> Reason:
        """Make an evaluation that a killed run missed, or try one; the reason if no step is to be taken."""
        state, reason = self.state, Reason.NONE
        finished = state.step >= self.coordinator.total_steps
        if state.step == 0:
            try_extremes(self.task, self.store, self.comm)
        if self._evaluates and state.evaluated < state.step and self.coordinator.evaluates(state.step):
            control = self._evaluate(StepControl(lr=0.0, scale=1.0, grad_norm=0.0, stop=finished))
            checkpoint.complete(state, self.records, final=control.stop)
            reason = control.reason
        elif self.coordinator.out_of_patience and not finished:
            self.records.warn(f"--eval.patience {self.config.eval.patience} had run out before: give more to go on")
            reason = Reason.PATIENCE
        elif self._evaluates and not finished:
            with self._errors_in("a trial of the evaluation", rank=self.comm.rank):
                try_evaluation(self.task, self.store, self.comm, self.train_step.shards, self.evaluation_passes)
        return Reason.FINISHED if finished else reason

    def take_step(self) -> StepControl:
        """One optimizer step: gradients of the next global batch, the decision, the update, one line in the log."""
        step = self.state.step
        place = self.state.position(step)
        rows = self._rows_at(place)
        if self._prefetched is not None:
            self._prefetched.begin(step)
        self._check_gradients(step, rows)
        started = perf_counter()
        totals = self.mode.gradients(step, rows, stop_signals.stop_requested() or self.watching.wants_stop)
        reduced = perf_counter()
        try:
            control = self.coordinator.decide(step, totals, self.mode.square_norm())
        except NonFiniteError as error:
            raise locate_nonfinite(error, self.train_step, step, rows) from None
        self._plan_notes.say_why_not(self.records, "steps", self.train_step.passes)
        self._plan_notes.list_plan(self.records, self.train_step.passes)
        decided = perf_counter()
        self.mode.apply(control)
        updated = perf_counter()
        self.state.step = step + 1
        seconds, said = updated - started, self.mode.figures
        self.watching.step(self.records.step(step + 1, place.epoch + 1, totals, control, seconds, said))
        if self.timeline is not None:
            self.timeline.span("decide", reduced, decided)
            self.timeline.span("log", updated)
            self.timeline.span("step", started)
        return control

    def _rows_at(self, place: data.Position) -> Any:
        """The samples of the global batch at a place in the data."""
        epoch, offset = place
        return self._epoch_order(epoch)[offset * self.batch_size : (offset + 1) * self.batch_size]

    def _check_gradients(self, step: int, rows: Any) -> None:
        """Compare the gradient of the next step with finite differences, if the options ask for it."""
        every = self.config.debug.check_gradients_every
        if every and step % every == 0:
            with self.mode.consolidated():
                checked = check_gradients(self.train_step, step, rows)
            self.records.gradients(step + 1, checked)

    def _save_and_evaluate(self, control: StepControl) -> StepControl:
        """Save first, because an evaluation may fail; then evaluate, and add the figures to the checkpoint.

        Every evaluation has a checkpoint, so that the best model is always saved.
        """
        evaluates = control.evaluate and self._evaluates
        saved = self._save(final=control.stop) if control.checkpoint or evaluates else False
        if not evaluates:
            return control
        control = self._evaluate(control)
        if saved:
            checkpoint.complete(self.state, self.records, final=control.stop)
        elif control.stop:  # the earlier save failed, on a full disk, say: try once more
            self._save(final=True)
        return control

    def _save(self, final: bool) -> bool:
        with self._span("checkpoint"), self._errors_in("checkpoint"):
            saved = checkpoint.save(self.state, self.records, final)
        if saved:
            self.watching.checkpoint(finder.path_of(self.records.directory, self.state.step))
        return saved

    @property
    def _evaluates(self) -> bool:
        return self.task.valid is not None and self.config.eval.every > 0

    def _evaluate(self, control: StepControl) -> StepControl:
        state = self.state
        in_place = self.average.evaluated(self.records.alive)
        with self._span("evaluation"), self._errors_in("evaluation", rank=self.comm.rank), in_place:
            state.metrics, state.evaluated = self._figures(), state.step
        self.records.evaluation(state.step, state.position(state.step - 1).epoch + 1, state.metrics)
        self.watching.evaluation(state.metrics)
        return self.coordinator.observe(state.step - 1, control, state.metrics["valid_loss"])

    def _figures(self) -> dict[str, float]:
        """The figures of an evaluation, of which other results are written to the run's directory."""
        found = evaluate(
            self.task,
            self.store,
            self.comm,
            self.train_step.shards,
            self.config.eval.samples,
            self.records.alive,
            self.evaluation_passes,
        )
        self._plan_notes.say_why_not(self.records, "evaluations", self.evaluation_passes)
        self.records.of_all_samples(self.state.step, found.arrays, found.samples)
        return {f"{EVALUATION}{name}": value for name, value in found.figures.items()}

    def _end_with_population(self) -> None:
        """Evaluate and save with batch-norm's statistics of all batches (Note [Moving and population])."""
        state, train_step = self.state, self.train_step
        with (
            self._errors_in("statistics of the population", rank=self.comm.rank),
            self.average.evaluated(self.records.alive),
            population_statistics(train_step, self.task, self.records.alive) as statistics,
        ):
            found = self._figures() if self._evaluates else {}
        if found:
            state.metrics = found
            self.records.population(state.step, state.position(state.step - 1).epoch + 1, state.metrics)
        state.population = state.step
        with self._errors_in("checkpoint"):
            checkpoint.add_population(state, self.records, statistics)

    def _errors_in(self, phase: str, **place: Any) -> error_context:
        return error_context(lambda: phase, self.comm.rank, self.state.step, phase=phase, **place)

    # -- the timeline, for the steps that --debug.trace names -----------------------------------------------------

    def _traced_steps(self) -> range:
        option = self.config.debug.trace
        traced = steps_of(option)
        to_come = range(max(traced.start, self.state.step + 1), min(traced.stop, self.coordinator.total_steps + 1))
        if traced and not to_come:
            self.records.warn(f"--debug.trace {option} names no step that this run will take")
        return traced

    def _trace(self, step: int, traced: range) -> None:
        """Record the steps of ``traced``, each with what follows it until the next step begins. Collective."""
        if step in traced:
            if self.timeline is None:
                self.timeline = self.train_step.timeline = Timeline(self.comm)
            self.timeline.step = step
        else:
            self._end_trace()

    def _end_trace(self) -> None:
        if self.timeline is not None:
            self.records.trace(self.timeline.gather())
            self.timeline = self.train_step.timeline = None

    @contextmanager
    def _span(self, name: str) -> Iterator[None]:
        began = perf_counter()
        yield
        if self.timeline is not None:
            self.timeline.span(name, began)
