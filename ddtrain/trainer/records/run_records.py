"""The run's directory and console, seen from the loop: calls that every rank makes, and that write from rank 0 alone.

RUN/config.toml     the resolved configuration
RUN/status.json     running, completed, stopped or failed, and why; written first, to show that a run made the rest
RUN/metrics.jsonl   a line a step, a line an evaluation
RUN/plan.txt        the program that steps repeat
RUN/lr_range.json   losses by learning rate, with --run.lr-range-test
RUN/trace.json      what every rank did in the steps of --debug.trace
RUN/average.safetensors  the average of the weights at the end, with --average.export
RUN/reports/        arrays of Task(report=...) at the latest evaluation, such as a confusion matrix: a file each
RUN/samples.json    worst and best samples of the latest evaluation, with --eval.samples
RUN/checkpoints/    see ``trainer/checkpoint/writer.py``
RUN/summary.json    the final figures

Before that, :mod:`ddtrain.trainer.records.run_lock` has locked the directory for this job.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any, TextIO

from ddtrain import data
from ddtrain.comm import run_on_all
from ddtrain.comm.protocol import Communicator
from ddtrain.diagnose import GradientCheck
from ddtrain.errors import DataError
from ddtrain.trainer import atomic_files
from ddtrain.trainer.checkpoint import finder, retention
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.file_names import CONFIG, LR_RANGE, PLAN, REPORTS, SAMPLES, TRACE
from ddtrain.trainer.records.console import Console
from ddtrain.trainer.records.metrics import MetricsLog, write_summary
from ddtrain.trainer.records.perfetto_trace import merge
from ddtrain.trainer.records.run_directory import NAMES, supersede
from ddtrain.trainer.records.status import State, Status
from ddtrain.trainer.step.coordinator import Reason, StepControl, total_steps
from ddtrain.trainer.step.setup import MemoryUse
from ddtrain.trainer.step.totals import Totals
from ddtrain.trainer.task import Task
from ddtrain.trainer.tries.lr_range import LrRangeTest

_MUCH = 100e6  # bytes of a single rank's vectors that are worth a line

_AFTER = {
    "completed": "summary, log and checkpoints in {}",
    "tested": f"summary, log and {LR_RANGE} in {{}}",
    "stopped": "go on with --run.dir {} --run.resume auto",
}


class RunRecords:
    """Everything a run leaves behind, from its first line to its summary.

    Parameters
    ----------
    directory : the run's directory, which is made if it is missing
    found : the checkpoint that the run goes on from, or None
    task : its data says how long an epoch is, and whether there are evaluations
    waited_s : seconds this rank has been blocked in communication so far
    stream : the console, by default standard output

    Raises
    ------
    DataError : on all ranks, if the directory cannot be written
    """

    def __init__(
        self,
        comm: Communicator,
        config: Config,
        recipe: str,
        directory: Path,
        found: finder.Found | None,
        task: Task,
        waited_s: Callable[[], float] = lambda: 0.0,
        stream: TextIO | None = None,
    ) -> None:
        self.comm, self.config, self.recipe, self.directory = comm, config, recipe, directory
        self.resume_from = found
        self.first_step = found.snapshot.step if found else 0
        self.steps_per_epoch = data.steps_per_epoch(len(task.train), config.data.batch_size)
        all_steps = total_steps(config.run, self.steps_per_epoch)
        self.status = Status(directory, comm, self.first_step, all_steps)
        self._started = time.perf_counter()
        self._samples, self._trained_s = 0, 0.0
        self.used: MemoryUse | None = None
        self._superseded = ""
        self._left_along = False  # whether negative curvature has been spoken of
        self.spared: frozenset[str] = frozenset()  # checkpoints that this run must not remove
        run_on_all(comm, self._open)
        self.evaluates = task.valid is not None and config.eval.every > 0
        self.console = Console(
            comm,
            epochs=config.run.epochs,
            steps_per_epoch=self.steps_per_epoch,
            total_steps=all_steps,
            waited_s=waited_s,
            first_step=self.first_step,
            stream=stream,
        )
        self._greet(task.about)

    def _greet(self, about: str) -> None:
        ranks = f"{self.comm.size} rank" + "s" * (self.comm.size > 1)
        self.console.message(
            f"{self.recipe} on {ranks} ({self.comm.spec}), seed {self.config.run.seed}, in {self.directory}"
        )
        if about:
            self.console.message(about)
        if self.resume_from is not None:
            for line in self.resume_from.refused:
                self.warn(line)
            self.console.message(f"resuming from {self.resume_from.path} after step {self.first_step}")
        if self._superseded:
            self.warn(self._superseded)

    def _open(self) -> None:
        if self.comm.rank == 0:
            try:
                self.directory.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise atomic_files.io_error(error, self.directory, 0) from error
            self._tidy()
            if self.resume_from is not None:
                self._superseded = supersede(self.directory, self.first_step, self.config.run.resume)
            self.spared = finder.behind_symbolic_link(self.directory)
        self.status.start()
        if self.comm.rank == 0:
            atomic_files.replace(self.directory / CONFIG, self.config.to_toml(self.recipe).encode())
        saved = self.resume_from.snapshot if self.resume_from else None
        evaluated, population = (saved.evaluated, bool(saved.population)) if saved else (0, False)
        self.metrics = MetricsLog(self.comm, self.directory, self.first_step, evaluated, population, self.warn)

    def _tidy(self) -> None:
        """Remove the half-written files of a killed job."""
        for name in NAMES:
            for leftover in self.directory.glob(f".tmp-{name}-*"):
                atomic_files.discard(leftover)
        try:
            retention.tidy(self.directory)
        except OSError as error:
            raise atomic_files.io_error(error, error.filename or self.directory, 0) from error

    # -- from the loop --------------------------------------------------------------------------------------------

    def memory(self, seen: MemoryUse, obstacle: str) -> None:
        """Report the memory of the run's vectors, and why ranks of one machine do not share it; empty if they do."""
        self.used = seen
        if obstacle:
            self.warn(f"every rank keeps parameters of its own and sends its gradients: {obstacle}")
        if self.comm.size > 1 or seen.parameters + seen.optimizer + seen.gradients >= _MUCH:
            self.console.message(str(seen))

    def step(
        self,
        done: int,
        epoch: int,
        totals: Totals,
        control: StepControl,
        seconds: float,
        said: Mapping[str, float] = MappingProxyType({}),
    ) -> Mapping[str, float]:
        """Record that step ``done`` of epoch ``epoch`` (both counted from 1) took ``seconds``; returns its figures.

        Parameters
        ----------
        said : further figures, of the optimizer
        """
        self.status.reached(done)
        self._samples += totals.count
        self._trained_s += seconds
        rate = round(totals.count / seconds, 1)
        figures = {**totals.means(), "lr": control.lr, "grad_norm": control.grad_norm, "samples_per_s": rate, **said}
        self.metrics.write(step=done, epoch=epoch, **figures)
        if not control.apply:
            self.warn(f"step {done}: {Reason.SKIPPED.text}")
        if said.get("curvature", 0.0) < 0 and not self._left_along:
            self._left_along = True
            self.console.message(
                f"negative curvature at step {done}: left along it (curvature {said['curvature']:.3g}, in "
                "metrics.jsonl as that of later steps)"
            )
        self.console.step(done, totals, seconds)
        if not self.evaluates and done % self.steps_per_epoch == 0:
            self.console.report()
        return figures

    def alive(self) -> None:
        """Record that the run goes on within a step, as after each batch of an evaluation."""
        self.status.reached(self.status.step)

    def gradients(self, done: int, seen: GradientCheck) -> None:
        """Record that the gradient of step ``done`` (counted from 1) was checked and found right."""
        self.console.message(f"step {done}: gradient checked, {seen}")

    def evaluation(self, done: int, epoch: int, figures: Mapping[str, float]) -> None:
        """Record the figures of an evaluation after ``done`` steps, in epoch ``epoch``."""
        self.metrics.write(step=done, epoch=epoch, **figures)
        self.flush()
        self.console.report(figures)
        self.status.progress()

    def of_all_samples(self, done: int, arrays: Mapping[str, Any], samples: Mapping[str, Any]) -> None:
        """Write what an evaluation after ``done`` steps made of all samples; a full disk does not end the run.

        Parameters
        ----------
        arrays : of RUN/reports, by the file's name
        samples : of RUN/samples.json; empty: none
        """
        found = {f"{REPORTS}/{name}.json": contents for name, contents in arrays.items()}
        found |= {SAMPLES: samples} if samples else {}
        for name, contents in found.items() if self.comm.rank == 0 else ():
            path = self.directory / name
            try:
                path.parent.mkdir(exist_ok=True)
                atomic_files.replace(path, (atomic_files.to_json({"step": done, **contents}) + "\n").encode())
            except (DataError, OSError) as error:
                self.warn(f"{name} of step {done} not written: {error}".replace("\n", " "))

    def population(self, done: int, epoch: int, figures: Mapping[str, float]) -> None:
        """Record the figures of the evaluation at the end, with batch-norm's statistics of all batches."""
        self.metrics.write(step=done, epoch=epoch, statistics="population", **figures)
        self.flush()
        shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        self.console.message(f"with batch-norm's statistics of the whole population  {shown}")
        self.status.progress()

    def trace(self, recordings: Sequence[dict[str, Any]]) -> None:
        """Write all ranks' recordings, in rank order, to RUN/trace.json; a full disk does not end the run."""
        path = self.directory / TRACE
        if self.comm.rank == 0:
            try:
                whole = merge(recordings, recipe=self.recipe, backend=self.comm.spec)
                atomic_files.replace(path, atomic_files.to_json(whole).encode())
            except DataError as error:
                self.warn(f"{error.one_line} The steps of --debug.trace are lost.")
                return
        self.console.message(f"steps {self.config.debug.trace} traced in {path}")

    def plan(self, listing: str) -> None:
        """Write what steps repeat to RUN/plan.txt; a full disk does not end the run."""
        if self.comm.rank == 0:
            try:
                atomic_files.replace(self.directory / PLAN, listing.encode())
            except DataError as error:
                self.warn(f"{PLAN} not written: {error.one_line}")

    def lr_range(self, test: LrRangeTest) -> None:
        """Print what a test of learning rates recommends, and write what it has seen to RUN/lr_range.json.

        Raises
        ------
        DataError : on all ranks, if it cannot be written
        """

        def write() -> None:
            if self.comm.rank == 0:
                atomic_files.replace(self.directory / LR_RANGE, atomic_files.to_json(test.to_table()).encode())
                self.console.message(f"learning rates from {test.low:g} to {test.high:g}: {test.recommended()[1]}")

        run_on_all(self.comm, write)

    def flush(self) -> None:
        """Write the log so far: before a checkpoint is written, so that the log is never behind it, and at the end."""
        self.metrics.flush()

    def fail(self, error: BaseException) -> None:
        """Record that this rank failed, after writing what it still holds. Never raises."""
        self.flush()
        self.status.fail(error)

    def warn(self, text: str) -> None:
        """Print a warning on the console."""
        self.console.message(f"warning: {text}")

    def close(self, state: State, code: int, reason: str, **figures: Any) -> None:
        """End the run: write the last lines, the summary, and then the status.

        Raises
        ------
        DataError : on all ranks, if the last of them cannot be written
        """
        seconds = time.perf_counter() - self._started
        summary = {
            "recipe": self.recipe,
            "ranks": self.comm.size,
            "backend": self.comm.spec,
            "seconds": round(seconds, 3),
            "samples_per_s": round(self._samples / max(self._trained_s, 1e-9), 1),
            "memory_bytes": asdict(self.used) if self.used else {},
            **figures,
        }
        self.console.close()
        sent, exact = (figures.get("gradient_bytes", {}).get(name, 0) for name in ("sent", "exact"))
        if exact and sent != exact:  # exact is 0 if the resumed run was already over and took no step
            self.console.message(
                f"gradients of rank 0: {sent / 1e6:.1f} MB sent to other nodes, {sent / exact:.1%} of the exact sums' "
                f"{exact / 1e6:.1f} MB"
            )
        run_on_all(self.comm, self.metrics.close)
        run_on_all(self.comm, lambda: write_summary(self.comm, self.directory, summary))
        run_on_all(self.comm, lambda: self.status.end(state, code, reason))
        after = _AFTER["tested" if self.config.run.lr_range_test else state].format(self.directory)
        self.console.message(f"{state}: {reason}, {self.status.step} steps; {after}")
