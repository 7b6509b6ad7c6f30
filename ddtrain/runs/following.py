"""Following a run that goes on, from any process that sees its directory: what its status and its log say by and by."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from ddtrain.runs.run import Run
from ddtrain.standard_output import say
from ddtrain.trainer.file_names import LOG
from ddtrain.trainer.records import progress_bar
from ddtrain.trainer.records.console import ERASE, duration, terminal_columns
from ddtrain.trainer.records.run_lock import is_at_work

EVERY_S = 1.0  # between two looks; status.json is written about as often


def follow(run: Run, stream: TextIO, every_s: float = EVERY_S) -> int:
    """Show a run's progress until it ends; returns its exit code, or 1 if it was killed without a word.

    Parameters
    ----------
    stream : a terminal shows a bar, anything else a line whenever the run has moved
    every_s : seconds between two looks
    """
    tail, shown = Tail(run.path / LOG), ""
    while True:
        status, at_work = run.status, is_at_work(run.path)
        tail.read()
        line = _line(run, status, tail.latest)
        columns = terminal_columns(stream)
        if columns:
            say(_frame(run, status, tail.latest, stream, columns), stream)
        elif line != shown and status:
            say(f"{line}\n", stream)
        shown = line
        if status.get("state") not in ("running", None):
            say(ERASE if columns else "", stream)
            return int(status.get("code") or 0)
        if not at_work and run.status == status:  # its job is gone, and did not say so between the two looks
            say(ERASE if columns else "", stream)
            return 1
        time.sleep(every_s)


class Tail:
    """The latest value of each figure of a log that is being written; each line is read once.

    A log that became shorter, or another file, is that of a run that went back: it is read anew.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.latest = path, dict[str, Any]()
        self._at, self._file = 0, (0, 0)

    def read(self) -> None:
        """Read what has been written since."""
        try:
            with self.path.open("rb") as file:
                stat = self.path.stat()
                if (stat.st_dev, stat.st_ino) != self._file or stat.st_size < self._at:
                    self._at, self._file, self.latest = 0, (stat.st_dev, stat.st_ino), {}
                file.seek(self._at)
                whole = file.read().rpartition(b"\n")[0]
        except OSError:
            return
        self._at += len(whole) + bool(whole)
        for line in whole.splitlines():
            self.latest |= _parsed(line)


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _frame(run: Run, status: Mapping[str, Any], latest: Mapping[str, Any], stream: TextIO, columns: int) -> str:
    total = status.get("total_steps") or 0
    fraction = status.get("step", 0) / total if total else 0.0
    figures = [text for text in (_figures(latest, 3), _rest(run, status, latest)) if text]
    return progress_bar.frame(stream, columns, _place(run, status, latest), fraction, " ".join(figures))


def _line(run: Run, status: Mapping[str, Any], latest: Mapping[str, Any]) -> str:
    step = f"step {status.get('step', 0)}/{status.get('total_steps', '?')}"
    parts = (_place(run, status, latest), step, _figures(latest, 4), _rest(run, status, latest))
    return "  ".join(part for part in parts if part)


def _place(run: Run, status: Mapping[str, Any], latest: Mapping[str, Any]) -> str:
    return f"epoch {latest.get('epoch', 1)}/{run.config.get('run', {}).get('epochs', '?')}"


def _figures(latest: Mapping[str, Any], digits: int) -> str:
    return " ".join(
        f"{name} {float(value):.{digits}g}" for name, value in latest.items() if name not in ("step", "epoch", "lr")
    )


def _rest(run: Run, status: Mapping[str, Any], latest: Mapping[str, Any]) -> str:
    """How long the steps that are left will take in training alone, without evaluations."""
    rate, total = float(latest.get("samples_per_s", 0)), status.get("total_steps")
    if not rate or not total or status.get("state") != "running":
        return ""
    left = total - status.get("step", 0)
    return f"ETA {duration(left * run.config.get('data', {}).get('batch_size', 0) / rate)}"
