"""The run's figures: metrics.jsonl, a line a step and a line an evaluation, and summary.json at the end.

Every line is a JSON object of its own, written whole and at once, so that a killed run leaves at most one torn line,
its last. NaN and infinities are strings (see :func:`ddtrain.trainer.atomic_files.to_json`).
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

from ddtrain.comm.protocol import Communicator
from ddtrain.errors import DataError
from ddtrain.trainer.atomic_files import io_error, replace, to_json, write_json
from ddtrain.trainer.file_names import LOG, SUMMARY

TOGETHER_S = 0.05  # longest time for which a line waits to be written together with later ones


class MetricsLog:
    """Appends to RUN/metrics.jsonl, from rank 0; on other ranks it does nothing.

    A full disk does not end the run: lines wait in memory, in order, until there is room, or until :meth:`close`.

    Parameters
    ----------
    comm : tells which rank this is; only rank 0 writes
    run_dir : must exist
    last_step : lines of later steps are removed first, because a resumed run takes those steps again; 0: a new log
    evaluated : evaluations after later steps than this are removed, too
    population : whether the run had its evaluation with statistics of the population at ``last_step``; if not, a line
        of one is removed, because it is made again
    warn : called once when lines must wait

    Raises
    ------
    DataError : if the file cannot be opened or trimmed.
    """

    def __init__(
        self,
        comm: Communicator,
        run_dir: Path | str,
        last_step: int = 0,
        evaluated: float = math.inf,
        population: bool = True,
        warn: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.path, self.warn = Path(run_dir) / LOG, warn
        self._file, self._waiting, self._warned = -1, b"", False
        self._lines: list[dict[str, Any]] = []  # lines that are not yet converted to text
        self._next_s = 0.0
        if comm.rank != 0:
            return
        truncate_after(self.path, last_step, evaluated, population)
        try:
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            raise io_error(error, self.path, 0) from error

    def write(self, **figures: Any) -> None:
        """Write one line: ``step``, ``epoch``, and the figures.

        Lines of the same twentieth of a second are written together: text and a system call for each would take a
        tenth of a small network's step.
        """
        if self._file >= 0:
            self._lines.append(figures)
            if perf_counter() >= self._next_s:
                self.flush()

    def flush(self) -> OSError | None:
        """Write all lines so far; returns the error that kept lines waiting, if any."""
        if self._file < 0:
            return None
        self._waiting += "".join(to_json(figures) + "\n" for figures in self._lines).encode()
        self._lines.clear()
        self._next_s = perf_counter() + TOGETHER_S
        return self._drain()

    def close(self) -> None:
        """Write the lines that still wait.

        Raises
        ------
        DataError : if there is still no room for it.
        """
        if self._file < 0:
            return
        error = self.flush()
        os.close(self._file)
        self._file = -1
        if error is not None:
            raise io_error(error, self.path, len(self._waiting)) from error

    def _drain(self) -> OSError | None:
        try:
            while self._waiting:
                self._waiting = self._waiting[os.write(self._file, self._waiting) :]  # os.write may write only a part
        except OSError as error:
            if not self._warned:
                self.warn(f"{io_error(error, self.path, len(self._waiting)).one_line} Lines wait in memory.")
            self._warned = True
            return error
        return None


def read(path: Path | str) -> Iterator[dict[str, Any]]:
    """The lines of a metrics.jsonl as dicts; a torn one is left out."""
    with Path(path).open("rb") as file:
        for line in file:
            figures = _parse(line)
            if figures is not None:
                yield figures


def truncate_after(path: Path, step: int, evaluated: float = math.inf, population: bool = True) -> None:
    """Remove the lines of later steps, and torn ones, so that each step is in the log once. Atomic.

    A symbolic link is replaced by a file, because the file that it points to is another run's log.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "metrics.jsonl"
    >>> _ = path.write_text('{"step": 1}\\n{"step": 2}\\n{"st')
    >>> truncate_after(path, 1)
    >>> list(read(path))
    [{'step': 1}]
    """
    lines = _lines(path)
    kept = [line for line in lines if _step(line) <= step and not _is_evaluation_after(line, evaluated)]
    if not population:
        kept = [line for line in kept if _step(line) < step or (_parse(line) or {}).get("statistics") != "population"]
    if len(kept) < len(lines) or path.is_symlink():
        replace(path, b"".join(kept))


def lines_after(path: Path, step: int) -> list[bytes]:
    """The lines of later steps, and torn ones."""
    return [line for line in _lines(path) if _step(line) > step]


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def write_summary(comm: Communicator, run_dir: Path | str, figures: Mapping[str, Any]) -> None:
    """Write RUN/summary.json atomically, from rank 0."""
    if comm.rank == 0:
        write_json(Path(run_dir) / SUMMARY, figures)


def _parse(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        figures = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return figures if isinstance(figures, dict) else None


def _step(line: bytes) -> float:
    figures = _parse(line) or {}
    step = figures.get("step")
    return step if isinstance(step, int) else float("inf")


def _is_evaluation_after(line: bytes, step: float) -> bool:
    return b"valid_loss" in line and _step(line) > step
