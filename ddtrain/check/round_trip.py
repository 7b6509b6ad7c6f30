"""A run straight through against one that was stopped half-way and resumed: the same bits, and what a step takes."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from ddtrain.callbacks import Callback, Watched
from ddtrain.check.findings import Finding
from ddtrain.comm import Communicator, run_on_rank_0
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.file_names import SUMMARY
from ddtrain.trainer.job import Job
from ddtrain.trainer.task import Task

_HASHES = ("params_sha256", "model_sha256")


@dataclass(frozen=True)
class Clock(Callback):
    """Remembers when each step was over."""

    times: list[float] = field(default_factory=list)

    def step(self, run: Watched) -> None:
        self.times.append(perf_counter())

    @property
    def seconds(self) -> float:
        """The median time from one step to the next; the first is left out, as it warms up."""
        gaps = [after - before for before, after in zip(self.times, self.times[1:])]
        return median(gaps) if gaps else 0.0


def round_trip(
    comm: Communicator, name: str, build: Callable[[Any], Task], config: Config, steps: int
) -> tuple[Finding, float]:
    """Train ``steps`` steps straight, and again with a stop in the midst, in a directory that is removed. Collective.

    Returns
    -------
    The finding, the same on every rank, and this rank's seconds a step.
    """
    here = run_on_rank_0(comm, lambda: tempfile.mkdtemp(prefix=".ddtrain-check-", dir=_shared_place(config)))
    try:
        clock = Clock()
        straight = _trained(comm, name, build, config, Path(here) / "straight", steps, clock)
        _trained(comm, name, build, config, Path(here) / "resumed", steps // 2)
        resumed = _trained(comm, name, build, config, Path(here) / "resumed", steps, resume="auto")
    finally:
        if not comm.rank:
            shutil.rmtree(here, ignore_errors=True)
    if straight != resumed:
        what = "parameters" if straight[0] != resumed[0] else "buffers"
        return Finding(
            "resume",
            False,
            f"after {steps} steps, a run that was resumed after {steps // 2} has other {what} than one that was not",
            "What a step depends on is to be an option, a buffer, or Task(fitted=...): all else a checkpoint lacks.",
        ), clock.seconds
    text = f"{steps} steps, and {steps // 2} with a checkpoint resumed to {steps}, give the same bits"
    return Finding("resume", True, text), clock.seconds


def _shared_place(config: Config) -> str | None:
    """Where all hosts see a new directory: beside the run's, if that place is there; else where the system has room."""
    parent = Path(config.run.dir).absolute().parent if config.run.dir else Path("runs").absolute()
    return str(parent) if parent.is_dir() else None


def _trained(
    comm: Communicator,
    name: str,
    build: Callable[[Any], Task],
    config: Config,
    directory: Path,
    steps: int,
    clock: Clock | None = None,
    resume: str = "never",
) -> list[str]:
    """The hashes of a run of some steps. Collective."""
    run = {"dir": str(directory), "steps": steps, "resume": resume, "lr_range_test": ""}
    told = config.updated({"run": run, "log": {"to": ""}, "debug": {"trace": "", "check_gradients_every": 0}})
    Job(name, build, told, [clock] if clock else [], io.StringIO())(comm)
    hashes: list[str] = run_on_rank_0(comm, lambda: _hashes(directory))
    return hashes


def _hashes(directory: Path) -> list[str]:
    summary = json.loads((directory / SUMMARY).read_text())
    return [summary[name] for name in _HASHES]
