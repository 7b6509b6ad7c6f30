"""Following a run that goes on, from any process that sees its directory: what its status and its log say by and by."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from ddtrain.runs.quantities import BESIDE
from ddtrain.runs.run import Run
from ddtrain.standard_output import say
from ddtrain.trainer.file_names import LOG
from ddtrain.trainer.records import progress_bar
from ddtrain.trainer.records.console import ERASE, duration, terminal_columns
from ddtrain.trainer.records.run_lock import is_at_work

EVERY_S = 1.0  # between two looks; status.json is written about as often
GONE = 1  # exit code for a run whose job is gone and has not said how it ended
_LOOKS = 30  # over which the rate is measured that the time left is told by


def follow(run: Run, stream: TextIO, every_s: float = EVERY_S) -> int:
    """Show a run's progress until it ends; returns its exit code, or ``GONE``.

    Parameters
    ----------
    stream : a terminal shows a bar, anything else a line whenever the run has moved
    every_s : seconds between two looks
    """
    view, shown = View(run), ""
    columns = terminal_columns(stream)
    while True:
        at_work = is_at_work(run.path)
        view.look()
        if columns:
            say(view.frame(stream, columns), stream)
        elif view.status and view.line() != shown:
            shown = view.line()
            say(f"{shown}\n", stream)
        ended = view.status.get("state", "running") != "running"
        if ended or (not at_work and run.status == view.status):  # a job says how it ended before it gives up its lock
            say(ERASE if columns else "", stream)
            return int(view.status.get("code") or 0) if ended else GONE
        time.sleep(every_s)


class View:
    """What is seen of a run at one look after another.

    Attributes
    ----------
    status : as status.json says it
    """

    def __init__(self, run: Run) -> None:
        self.run, self.status = run, dict[str, Any]()
        self._tail = Tail(run.path / LOG)
        self._seen: deque[tuple[float, int]] = deque(maxlen=_LOOKS)  # when, and the step

    def look(self) -> None:
        """Read what there is now."""
        self.status = self.run.status
        self._tail.read()
        self._seen.append((time.monotonic(), self._step))

    def line(self) -> str:
        """All in one line."""
        step = f"step {self._step}/{self.status.get('total_steps', '?')}"
        return "  ".join(part for part in (self._epoch, step, self._figures(4), self._eta()) if part)

    def frame(self, stream: TextIO, columns: int) -> str:
        """The same as a bar."""
        total = self.status.get("total_steps") or 0
        figures = " ".join(part for part in (self._figures(3), self._eta()) if part)
        return progress_bar.frame(stream, columns, self._epoch, self._step / total if total else 0.0, figures)

    @property
    def _step(self) -> int:
        return int(self.status.get("step", 0))

    @property
    def _epoch(self) -> str:
        return f"epoch {self._tail.latest.get('epoch', 1)}/{self.run.config.get('run', {}).get('epochs', '?')}"

    def _figures(self, digits: int) -> str:
        beside = ("step", "epoch", *BESIDE)
        found = {name: float(value) for name, value in self._tail.latest.items() if name not in beside}
        return " ".join(f"{name} {value:.{digits}g}" for name, value in found.items())

    def _eta(self) -> str:
        """How long the rest will take, if it goes on as it went while it was seen."""
        (began_s, first), (now_s, last) = self._seen[0], self._seen[-1]
        total = self.status.get("total_steps")
        if not total or last <= first or self.status.get("state") != "running":
            return ""
        return f"ETA {duration((total - last) * (now_s - began_s) / (last - first))}"


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
                stat = os.fstat(file.fileno())
                if (stat.st_dev, stat.st_ino) != self._file or stat.st_size < self._at:
                    self._at, self._file, self.latest = 0, (stat.st_dev, stat.st_ino), {}
                file.seek(self._at)
                whole, newline, _ = file.read().rpartition(b"\n")
        except OSError:  # not there yet
            return
        self._at += len(whole) + len(newline)
        for line in whole.splitlines():
            found = _parsed(line)
            self.latest |= {} if "statistics" in found else found  # History leaves such lines out, too


def _parsed(line: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
