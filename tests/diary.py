"""In place of a run's records: what the loop called, in order, for tests that have no console and no log."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class Diary:
    """Takes the calls of :class:`~ddtrain.trainer.records.run_records.RunRecords`."""

    def __init__(self, comm: Any, directory: Path) -> None:
        self.comm, self.directory, self.spared = comm, directory, frozenset[str]()
        self.lines: list[str] = []
        self.figures: list[dict[str, float]] = []
        self.warnings: list[str] = []
        self.plans: list[str] = []

    def step(self, done: int, epoch: int, totals: Any, control: Any, seconds: float, said: Any = None) -> None:
        self.lines.append(f"step {done} of epoch {epoch}, {totals.count} samples")

    def evaluation(self, done: int, epoch: int, figures: Any) -> None:
        self.lines.append(f"evaluation after step {done} of epoch {epoch}")
        self.figures.append(dict(figures))

    def population(self, done: int, epoch: int, figures: Any) -> None:
        self.lines.append(f"evaluation with statistics of the population after step {done} of epoch {epoch}")
        self.figures.append(dict(figures))

    def of_all_samples(self, done: int, arrays: Any, samples: Any) -> None:
        if arrays or samples:
            self.lines.append(f"of all samples after step {done}: {', '.join([*arrays, *samples])}")

    def flush(self) -> None:
        self.lines.append("flush")

    def alive(self) -> None:
        pass

    def gradients(self, done: int, seen: Any) -> None:
        self.lines.append(f"gradients of step {done}")

    def trace(self, recordings: Any) -> None:
        self.lines.append("trace")

    def plan(self, listing: str) -> None:
        self.plans.append(listing)

    def warn(self, text: str) -> None:
        self.warnings.append(text)
