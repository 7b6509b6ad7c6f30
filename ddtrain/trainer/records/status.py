"""RUN/status.json says reliably how a run ended; launchers' exit codes do not.

``running`` until the end; then ``completed``, ``stopped`` or ``failed``, with the exit code and why.
"""

from __future__ import annotations

import contextlib
import json
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

from ddtrain.comm.launch.failure import exception_text, exit_code
from ddtrain.comm.protocol import Communicator
from ddtrain.errors import DataError, DdtrainError
from ddtrain.trainer.atomic_files import to_json, write_json
from ddtrain.trainer.file_names import STATUS

EVERY_S = 1.0  # shortest time between two writes of the run's progress
State = Literal["running", "completed", "stopped", "failed"]


class Status:
    """Writes RUN/status.json: rank 0 records the run's progress and end, a failing rank its failure.

    Parameters
    ----------
    run_dir : must exist
    comm : which rank this is
    step : steps done before this start
    total_steps : of the whole run; 0: not known

    Attributes
    ----------
    step : steps done, so that a failure can name it

    >>> import tempfile
    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> status = Status(tempfile.mkdtemp(), LocalCommunicator())
    >>> status.start()
    >>> status.step = 12
    >>> status.end("completed", 0, "all steps done")
    >>> read(status.path.parent)["state"]
    'completed'
    """

    def __init__(self, run_dir: Path | str, comm: Communicator, step: int = 0, total_steps: int = 0) -> None:
        self.path, self.comm, self.step = Path(run_dir) / STATUS, comm, step
        self.total_steps = total_steps
        self._next_s = perf_counter() + EVERY_S

    def start(self) -> None:
        """Record that the run begins, or is resumed.

        Raises
        ------
        DataError : if the run's directory cannot be written: better now than after an hour.
        """
        if self.comm.rank == 0:
            self._write("running")

    def reached(self, step: int) -> None:
        """Note the number of steps done; it is written about once a second."""
        self.step = step
        if perf_counter() >= self._next_s:
            self.progress()

    def progress(self) -> None:
        """Write that the run has done ``step`` steps; a full disk does not end the run.

        A failure of another rank stands: this one may not have heard of it, as within an evaluation.
        """
        began = perf_counter()
        with contextlib.suppress(DataError):
            if self.comm.rank == 0 and read(self.path.parent).get("state") != "failed":
                self._write("running")
        ended = perf_counter()
        # writing takes at most 1 % of the time, even on slow disks
        self._next_s = ended + max(EVERY_S, 100 * (ended - began))

    def end(self, state: State, code: int, reason: str) -> None:
        """Record the end of the run.

        Raises
        ------
        DataError : if that cannot be written.
        """
        if self.comm.rank == 0:
            self._write(state, code, reason)

    def fail(self, error: BaseException) -> None:
        """Record that this rank failed. The first failure stands, since others follow from it; never raises."""
        code = exit_code(error)
        reason = error.one_line if isinstance(error, DdtrainError) else exception_text(error)
        if read(self.path.parent).get("state") == "failed":
            return
        try:
            self._write("failed", code, reason)
        except DataError:  # a full disk is often the reason for the failure that is reported here
            self._write_over("failed", code, reason)

    def _write(self, state: State, code: int | None = None, reason: str = "") -> None:
        write_json(self.path, self._told(state, code, reason))

    def _write_over(self, state: State, code: int, reason: str) -> None:
        """Write into the file's own blocks, because the disk is full. A torn status is better than a false one."""
        data = to_json(self._told(state, code, reason)).encode() + b"\n"
        try:
            with self.path.open("r+b") as file:
                file.write(data)
                file.truncate()
        except OSError:
            return

    def _told(self, state: State, code: int | None, reason: str) -> dict[str, Any]:
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        of = {"total_steps": self.total_steps} if self.total_steps else {}
        return {
            "state": state,
            "step": self.step,
            **of,
            "code": code,
            "rank": self.comm.rank,
            "reason": reason,
            "time": now,
        }


def read(run_dir: Path | str) -> dict[str, Any]:
    """The status of a run; empty if there is none or it cannot be read."""
    try:
        status = json.loads((Path(run_dir) / STATUS).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return status if isinstance(status, dict) else {}
