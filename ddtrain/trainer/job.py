"""One run on the ranks of a process, from its options to its summary: what ``main`` and ``fit`` start on each rank."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, TextIO

from ddtrain.callbacks import Callback, parse
from ddtrain.comm import Communicator, raise_on_all, run_on_all, run_on_rank_0
from ddtrain.parallel import verify_replicas
from ddtrain.trainer import stop_signals
from ddtrain.trainer.checkpoint.resume import resume
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.config.same_options import verify_options
from ddtrain.trainer.config.validation import validate
from ddtrain.trainer.file_names import LOG
from ddtrain.trainer.loop import Result, Trainer
from ddtrain.trainer.numeric_environment import prepared_kernels, required_environment
from ddtrain.trainer.records import metrics
from ddtrain.trainer.records.run_directory import find_checkpoint
from ddtrain.trainer.records.run_lock import lock_run_directory
from ddtrain.trainer.records.run_records import RunRecords
from ddtrain.trainer.step.coordinator import Reason
from ddtrain.trainer.step.setup import idle_options, memory_use
from ddtrain.trainer.task import Task, build_task
from ddtrain.trainer.tries.data_limits import limited, not_by_heart
from ddtrain.trainer.watching import Watching, require_callbacks, verify_callbacks

_SAME_ARITHMETIC = (  # Note [Same bits] in numeric_environment.py
    "Give every rank the same environment and packages; on machines of several kinds, OPENBLAS_CORETYPE of the oldest."
)


class Job:
    """What every rank of one process runs.

    Parameters
    ----------
    name, build : the recipe's name, and what makes its task of a configuration, once on every rank
    callbacks : beside those of ``--log.to``; ranks other than 0 have copies, as each may remember something of its own
    stream : where the run is followed, by default standard output
    """

    def __init__(
        self,
        name: str,
        build: Callable[[Any], Task],
        config: Config,
        callbacks: Sequence[Callback] = (),
        stream: TextIO | None = None,
    ) -> None:
        self.name, self.build, self.config, self.callbacks, self.stream = name, build, config, callbacks, stream
        self.directory = Path()  # of the run, once it is known
        self.records: dict[int, RunRecords] = {}  # records of each rank of this process

    def __call__(self, comm: Communicator) -> int:
        raise_on_all(comm, stop_signals.ranks_connected())
        name, config = self.name, self.config
        run_on_all(comm, lambda: self._validate(comm.size))
        verify_options(config, comm, name)
        verify_replicas(required_environment(), comm, "arithmetic", remedy=_SAME_ARITHMETIC)
        notes = prepared_kernels(comm, config.run.dtype)
        with lock_run_directory(comm, config, name) as locked:
            notes += locked.notes
            return self._train(comm, name, config.updated({"run": {"dir": str(locked.directory)}}), notes)

    def _train(self, comm: Communicator, name: str, config: Config, notes: Sequence[str]) -> int:
        directory = self.directory = Path(config.run.dir)
        found = find_checkpoint(comm, config, directory)
        stop_file = stop_signals.StopFile(directory)
        changes = [*notes, *run_on_rank_0(comm, stop_file.remove_former)]
        task = run_on_all(comm, lambda: limited(build_task(self.build, config), config))
        trainer = Trainer(comm, config, task, stop_file)
        changes += resume(trainer.state, found.snapshot) if found is not None else []
        train_step = trainer.train_step
        waited_s = lambda: train_step.waited_s
        # From here on, the disk is written to.
        trainer.records = RunRecords(comm, config, name, directory, found, task, waited_s, self.stream)
        self.records[comm.rank] = trainer.records
        trainer.records.memory(memory_use(train_step, trainer.mode.gradient_buffers), train_step.node.why_not_shared)
        if idle := idle_options(train_step, config.comm):
            changes.append(idle)
        if trainer.coordinator.length_note:
            changes.append(trainer.coordinator.length_note)
        if odd := trainer.average.misfit(trainer.coordinator.total_steps):
            changes.append(odd)
        for change in changes:
            trainer.records.warn(change)
        watchers = [*parse(config.log.to), *(deepcopy(self.callbacks) if comm.rank else self.callbacks)]
        verify_callbacks(comm, watchers)
        trainer.watching = Watching(comm, watchers, trainer.state, trainer.coordinator.total_steps, directory)
        result = trainer.run()
        if trainer.coordinator.range_test is not None:
            trainer.records.lr_range(trainer.coordinator.range_test)
        elif config.run.overfit_batches and result.reason is Reason.FINISHED and not comm.rank:
            trainer.records.flush()
            losses = [line["loss"] for line in metrics.read(directory / LOG) if "loss" in line]
            if fault := not_by_heart(losses):
                trainer.records.warn(fault)
        return _finish(trainer.records, result)

    def _validate(self, ranks: int) -> None:
        validate(self.config, ranks)
        require_callbacks(self.callbacks)

    def failed(self, error: BaseException, rank: int) -> None:
        """Called on the rank that failed, before its error is printed."""
        if rank in self.records:
            self.records[rank].fail(error)

    def at_once(self, error: BaseException) -> None:
        """Called when this process is about to be ended from outside all ranks."""
        for rank in tuple(self.records):
            self.failed(error, rank)


def _finish(records: RunRecords, result: Result) -> int:
    code = result.reason.exit_code
    records.close(
        "stopped" if code else "completed",
        code,
        result.reason.text,
        steps=result.step,
        **result.metrics,
        params_sha256=result.params_sha256,
        model_sha256=result.model_sha256,
        skipped_steps=result.skipped,
        gradient_bytes=result.gradient_bytes,
    )
    return code
