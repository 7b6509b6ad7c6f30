"""From a command line to an exit code: parse, start the ranks, compare their options, train, report the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ddtrain import blas, blas_threads
from ddtrain.comm import Communicator, launcher, raise_on_all, run_on_all, run_on_rank_0, run_ranks
from ddtrain.parallel import verify_replicas
from ddtrain.standard_output import say, tolerant_output
from ddtrain.trainer import stop_signals
from ddtrain.trainer.checkpoint.resume import resume
from ddtrain.trainer.config import command_line
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.config.same_options import verify_options
from ddtrain.trainer.config.validation import validate
from ddtrain.trainer.loop import Result, Trainer
from ddtrain.trainer.numeric_environment import required_environment
from ddtrain.trainer.records.run_directory import find_checkpoint
from ddtrain.trainer.records.run_lock import LockedDirectory, lock_run_directory
from ddtrain.trainer.records.run_records import RunRecords
from ddtrain.trainer.step.setup import idle_options, memory_use
from ddtrain.trainer.task import Task, build_task

_TOO_LATE = (  # Note [BLAS threads] in blas_threads.py
    "NumPy was imported before ddtrain, so its BLAS starts a thread for each core in every rank, which is slow: "
    "import ddtrain first, or set OPENBLAS_NUM_THREADS=1."
)
_SAME_ARITHMETIC = (  # Note [Same bits] in numeric_environment.py
    "Give every rank the same environment and packages; on machines of several kinds, OPENBLAS_CORETYPE of the oldest."
)


@dataclass(frozen=True)
class Recipe:
    """A named job: its default configuration, what it builds from one, and a line for ``--help``."""

    config: Config
    build: Callable[[Any], Task]
    about: str


def main(build: Callable[[Any], Task], config: Config | None = None, argv: Sequence[str] | None = None) -> NoReturn:
    """Train a model of your own, with the command line of ``ddtrain.train``; ends the process with its exit code.

    Parameters
    ----------
    build : makes the task from the configuration; called once on every rank
    config : defaults, of any subclass of :class:`Config`
    argv : options, by default those of the process

    Examples
    --------
    See ``examples/custom_training.py``.

    >>> import tempfile
    >>> import numpy as np
    >>> from ddtrain import nn
    >>> def build(config):
    ...     x = np.linspace(-1.0, 1.0, 40)[:, None]
    ...     return Task(nn.Linear(1, 1), lambda model, x: (model(x)[:, 0] - 3 * x[:, 0]) ** 2, train=(x,))
    >>> config = Config().updated({"run": {"steps": 2}})
    >>> config.run.steps
    2
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     main(build, config, argv=["--run.dir", directory])
    Traceback (most recent call last):
    SystemExit: 0
    """
    name, prog = _program()
    recipe = Recipe(config or Config(), build, (build.__doc__ or "").strip())
    sys.exit(run(sys.argv[1:] if argv is None else argv, {name: recipe}, only=name, prog=prog))


def _program() -> tuple[str, str]:
    """The program's name, and the words that start it: by its file, or by ``python -m`` and its module."""
    path, spec = Path(sys.argv[0]), sys.modules["__main__"].__spec__
    if spec is not None and spec.origin and Path(spec.origin) == path:
        module = spec.name.removesuffix(".__main__")
        return module.rpartition(".")[2], f"python -m {module}"
    name = path.parent.name if path.stem == "__main__" else path.stem
    return (name, "") if name.strip("-") and name != "-c" else ("custom", "python")


def run(argv: Sequence[str], recipes: Mapping[str, Recipe], only: str = "", prog: str = "") -> int:
    """Parse, train, and return the exit code. See ``--help`` for the options and README.md for the codes.

    Parameters
    ----------
    only, prog : for a program with one recipe, its name and the words that start it
    """
    with tolerant_output():
        parsed, error = None, None
        try:
            choices = {name: (recipe.config, recipe.about) for name, recipe in recipes.items()}
            parsed = command_line.parse(argv, choices, only=only, prog=prog)
        except Exception as caught:
            error = caught
        first = launcher().rank == 0
        if parsed is not None and first:
            for note in parsed.notes:
                say(f"ddtrain: warning: {note}\n", sys.stderr)
        if parsed is not None and parsed.output:
            if first:
                say(parsed.output.rstrip("\n") + "\n", sys.stdout)
            return 0
        if blas_threads.TOO_LATE and not blas.limit(1) and first:
            say(f"ddtrain: warning: {_TOO_LATE}\n", sys.stderr)
        job = _Job(recipes, parsed)
        backend = parsed.config.comm.backend if parsed else "auto"
        with stop_signals.listening(job.at_once):
            return run_ranks(backend, job, job.failed, refusal=error)


class _Job:
    """What every rank of one process runs."""

    def __init__(self, recipes: Mapping[str, Recipe], parsed: command_line.Parsed | None) -> None:
        self.recipes, self.parsed = recipes, parsed
        self.records: dict[int, RunRecords] = {}  # records of each rank of this process

    def __call__(self, comm: Communicator) -> int:
        raise_on_all(comm, stop_signals.ranks_connected())
        assert self.parsed is not None, "no error, hence parsed"
        name, config = self.parsed.recipe, self.parsed.config
        run_on_all(comm, lambda: validate(config, comm.size))
        verify_options(config, comm, name)
        verify_replicas(required_environment(), comm, "arithmetic", remedy=_SAME_ARITHMETIC)
        with lock_run_directory(comm, config, name) as locked:
            return self._train(comm, name, config.updated({"run": {"dir": str(locked.directory)}}), locked)

    def _train(self, comm: Communicator, name: str, config: Config, locked: LockedDirectory) -> int:
        directory = locked.directory
        found = find_checkpoint(comm, config, directory)
        stop_file = stop_signals.StopFile(directory)
        changes = [*locked.notes, *run_on_rank_0(comm, stop_file.remove_former)]
        task = run_on_all(comm, lambda: build_task(self.recipes[name].build, config))
        trainer = Trainer(comm, config, task, stop_file)
        changes += resume(trainer.state, found.snapshot) if found is not None else []
        train_step = trainer.train_step
        waited_s = lambda: train_step.waited_s
        # From here on, the disk is written to.
        trainer.records = RunRecords(comm, config, name, directory, found, task, waited_s)
        self.records[comm.rank] = trainer.records
        trainer.records.memory(memory_use(train_step, trainer.mode.gradient_buffers), train_step.node.why_not_shared)
        if idle := idle_options(train_step, config.comm):
            changes.append(idle)
        if trainer.coordinator.length_note:
            changes.append(trainer.coordinator.length_note)
        for change in changes:
            trainer.records.warn(change)
        return _finish(trainer.records, trainer.run())

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
