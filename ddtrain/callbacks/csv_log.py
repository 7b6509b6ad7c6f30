"""Figures as CSV files, which spreadsheets and ``pandas.read_csv`` open."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ddtrain.callbacks.callback import Callback, Watched
from ddtrain.errors import DataError
from ddtrain.parts import register

_TOGETHER = 50  # lines that are written at once


@register
@dataclass(frozen=True)
class CsvLog(Callback):
    """RUN/steps.csv and RUN/evaluations.csv: a line a step, and a line an evaluation.

    The columns are those of the first line. A run that is resumed goes on in the same files, behind what it had
    written up to its checkpoint.
    """

    name: str = "csv"
    """Figures as RUN/steps.csv and RUN/evaluations.csv."""

    @cached_property
    def _waiting(self) -> dict[str, list[dict[str, Any]]]:
        """Lines of each file that are not yet written."""
        return {"steps": [], "evaluations": []}

    def start(self, run: Watched) -> None:
        if run.directory is not None:
            for name, lines in self._waiting.items():
                lines.clear()
                _cut(run.directory / f"{name}.csv", run.step)

    def step(self, run: Watched) -> None:
        self._write(run, "steps")

    def evaluation(self, run: Watched) -> None:
        self._write(run, "evaluations")

    def checkpoint(self, run: Watched, path: Path) -> None:
        self._flush(run)

    def end(self, run: Watched) -> None:
        self._flush(run)

    def _write(self, run: Watched, name: str) -> None:
        if run.directory is not None:
            lines = self._waiting[name]
            lines.append({"step": run.step, "epoch": run.epoch, **run.figures})
            if len(lines) >= _TOGETHER:
                self._flush(run)

    def _flush(self, run: Watched) -> None:
        for name, lines in self._waiting.items():
            if run.directory is not None and lines:
                _append(run.directory / f"{name}.csv", lines)
                lines.clear()


def _append(path: Path, lines: list[dict[str, Any]]) -> None:
    try:
        with path.open("a+", newline="") as file:
            file.seek(0)
            header = next(csv.reader(file), None)
            file.seek(0, os.SEEK_END)
            writer = csv.DictWriter(file, header or list(lines[0]), extrasaction="ignore")
            if header is None:
                writer.writeheader()
            writer.writerows(lines)
    except OSError as error:
        raise DataError(f"--log.to csv: {path}: {error.strerror}", remedy="Make room, or leave it out.") from error


def _cut(path: Path, step: int) -> None:
    """Leave out the lines of later steps, which a resumed run takes again."""
    if not path.exists():
        return
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        kept: list[Mapping[str, Any]] = [
            line for line in reader if line["step"].isdigit() and int(line["step"]) <= step
        ]
        names = reader.fieldnames
    if names:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(kept)
