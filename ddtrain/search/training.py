"""A leg of a trial, trained: an ordinary run in ``SEARCH/trials/NNN``, stopped at its epoch, or taken up again there.

Beside what every run leaves there is trial.json: the trial's values and the outcome of each of its legs.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

from ddtrain.callbacks import Callback
from ddtrain.comm import run_on_rank_0
from ddtrain.errors import (
    CheckpointError,
    DataError,
    DdtrainError,
    NonFiniteError,
    ShapeError,
    StoppedError,
    UsageError,
    first_line,
)
from ddtrain.search.groups import Group
from ddtrain.search.judge import LOSS, Judge
from ddtrain.search.search_directory import RECORD, STOP
from ddtrain.search.space import applied
from ddtrain.search.trials import Leg, Outcome
from ddtrain.trainer import atomic_files
from ddtrain.trainer.checkpoint import finder
from ddtrain.trainer.checkpoint.contents import read_state
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.file_names import LOG, TRIALS, trial_name
from ddtrain.trainer.job import Job
from ddtrain.trainer.records import metrics, status
from ddtrain.trainer.task import Task

_LOOK_S = 0.5
# errors by which a trial fails, and the search goes on; others, such as a full disk, end it
OF_A_TRIAL = (NonFiniteError, UsageError, ShapeError, ArithmeticError, MemoryError)


def trial_directory(directory: Path, trial: int) -> Path:
    """The directory of the run of a search's trial."""
    return directory / TRIALS / trial_name(trial)


@dataclass(frozen=True)
class Trainee:
    """What all trials of a search have in common.

    Parameters
    ----------
    name : of the recipe
    build : makes its task, with a validation set apart from the test set
    config : of all trials, but for their values
    directory : of the search
    """

    name: str
    build: Callable[[Any], Task]
    config: Config
    directory: Path
    judge: Judge

    def of(self, trial: int) -> Path:
        """The directory of a trial's run."""
        return trial_directory(self.directory, trial)


class _Until(Callback):
    """Stops a run after an epoch, when a file asks the whole search to stop, or when it has not what it is judged by.

    Parameters
    ----------
    epochs : that the run has behind it then
    stop : the file, looked for about twice a second, as it may be far away
    judge : of the trials

    Attributes
    ----------
    refusal : why the run cannot be judged, said by its first evaluation; that ends the search, not this trial alone
    """

    def __init__(self, epochs: int, stop: Path, judge: Judge) -> None:
        self._epochs, self._stop, self._judge, self._next = epochs, stop, judge, 0.0
        self.refusal: UsageError | None = None

    def start(self, run: Any) -> None:
        self.step(run)

    def step(self, run: Any) -> None:
        last = self._epochs * run.total_steps // run.config.run.epochs
        # a request counts after the step that follows it: one too many if only the evaluation is to be made up for
        if last - 1 <= run.step < run.total_steps - 1:
            run.stop()
        if monotonic() >= self._next:
            self._next = monotonic() + _LOOK_S
            if self._stop.exists():
                run.stop()

    def evaluation(self, run: Any) -> None:
        try:
            self._judge.require(run.figures)
        except UsageError as error:
            self.refusal = error
            run.stop()


def train_leg(group: Group, trainee: Trainee, leg: Leg) -> Outcome | None:
    """Train a trial up to its leg's end, and say what became of it. Collective within the group.

    Returns
    -------
    The outcome, which is in the trial's record by then; None if the search was asked to stop before the leg's end
    """
    began, why = perf_counter(), ""
    directory = trainee.of(leg.trial)

    def reached() -> bool:
        return bool(run_on_rank_0(group.comm, lambda: _reached(directory, leg.epochs)))

    if not reached():
        job, until = None, _Until(leg.epochs, trainee.directory / STOP, trainee.judge)
        try:
            config = applied(trainee.config, leg.values)
            config = config.updated({"run": {"dir": str(directory), "resume": "auto"}})
            job = Job(trainee.name, trainee.build, config, (until,), io.StringIO())
            with group.communicator() as comm:
                job(comm)
        except StoppedError:
            if until.refusal is None:
                return None
        except OF_A_TRIAL as error:
            if not group.failed_alike():
                raise
            why = error.one_line if isinstance(error, DdtrainError) else f"{type(error).__name__}: {first_line(error)}"
            if job is not None and not group.comm.rank:
                job.failed(error, 0)
        if until.refusal is not None:
            raise until.refusal
        if not why and not reached():
            return None
    seconds = perf_counter() - began
    return Outcome.of_json(run_on_rank_0(group.comm, lambda: _recorded(trainee, leg, why, seconds).to_json()))


def read_outcomes(directory: Path) -> list[Outcome]:
    """What became of all legs of a search that are over.

    Raises
    ------
    DataError : a record is damaged
    """
    return [outcome for path in sorted((directory / TRIALS).glob(f"*/{RECORD}")) for outcome in _read(path)]


def _read(path: Path) -> list[Outcome]:
    if not path.exists():
        return []
    try:
        return [Outcome.of_json(told) for told in json.loads(path.read_bytes())["legs"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} is damaged: {type(error).__name__} {error}", remedy=f"Remove {path.parent}: it is trained anew."
        ) from None


def _recorded(trainee: Trainee, leg: Leg, why: str, seconds: float) -> Outcome:
    """The outcome of a leg that is over, added to the trial's record."""
    directory = trainee.of(leg.trial)
    before = _read(directory / RECORD)
    seconds += sum(outcome.seconds for outcome in before[-1:])
    outcome = Outcome(leg.trial, dict(leg.values), leg.epochs, why=why, seconds=seconds)
    if not why:
        outcome = trainee.judge.judged(outcome, _evaluations(directory, leg.epochs))
    legs = [*(other for other in before if other.epochs != leg.epochs), outcome]
    directory.mkdir(parents=True, exist_ok=True)
    told = {"trial": leg.trial, "values": dict(leg.values), "legs": [each.to_json() for each in legs]}
    atomic_files.write_json(directory / RECORD, told)
    return outcome


def _evaluations(directory: Path, epochs: int) -> list[dict[str, Any]]:
    """The figures of a run's evaluations up to an epoch."""
    if not (directory / LOG).exists():
        return []
    lines = (line for line in metrics.read(directory / LOG) if LOSS in line and "statistics" not in line)
    return [{name: float(value) for name, value in line.items()} for line in lines if line["epoch"] <= epochs]


def _reached(directory: Path, epochs: int) -> bool:
    """Whether a run has been evaluated at an epoch, or has ended before it, as its patience was over.

    An evaluation counts once a checkpoint has it: a run that was killed in between may still lack its best one.
    """
    if status.read(directory).get("state") == "completed":
        return True
    steps = [line["step"] for line in _evaluations(directory, epochs) if line["epoch"] >= epochs]
    return bool(steps) and any(_evaluated(path) >= steps[-1] for path in finder.checkpoints(directory))


def _evaluated(checkpoint: Path) -> int:
    """The step of the last evaluation that a checkpoint has; 0 if it has none, or cannot be read."""
    try:
        return int(read_state(checkpoint)["evaluated"])
    except CheckpointError:
        return 0
