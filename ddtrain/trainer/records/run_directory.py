"""Whose a run's directory is: chosen and locked by rank 0, so that no two jobs write to one, or a run over other files.

    RUN/.ddtrain-lock    host and process of the job that is at work here; gone when that has ended in order
    RUN/superseded-1/    newer checkpoints, and the log after it, of a run that went back to an older checkpoint

Note [Lock]
The lock is the kernel's (flock), which frees it however the job ends; what the file says is for people. Where a file
system has no such locks the run goes on without, and says so. Only who holds the lock removes the file, so whoever gets
the lock looks whether the file still has its name.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from ddtrain.comm import by_rank_0, together
from ddtrain.comm.protocol import Communicator
from ddtrain.errors import UsageError
from ddtrain.trainer.atomic_files import discard, io_error, sync_directory, write_new
from ddtrain.trainer.checkpoint import finder
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.records import metrics, status

LOCK = ".ddtrain-lock"
LOG, SUMMARY = "metrics.jsonl", "summary.json"
# What a run writes or reads. Where there is one, and no status.json of ours, somebody else has made it.
NAMES = ("config.toml", "status.json", LOG, "checkpoints", SUMMARY, "trace.json", "STOP")
_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL)


@dataclass
class Claim:
    """A directory that is this job's alone, and lines about how it came to be."""

    directory: Path
    notes: list[str] = field(default_factory=list)


@contextmanager
def claimed(comm: Communicator, config: Config, recipe: str) -> Iterator[Claim]:
    """Within this, ``run.dir``, or a new ``runs/RECIPE-TIME``, is this job's: rank 0 decides for all. Collective.

    A directory made here that holds nothing at the end is removed: a run that could not start leaves nothing.

    Raises
    ------
    UsageError : on all ranks: another job is at work there, or nobody said where the run to be resumed is
    DataError : on all ranks: it cannot be made
    """
    hold = _Hold()
    try:
        told = by_rank_0(comm, lambda: [str(hold.take(config, recipe)), hold.notes])
        yield Claim(Path(told[0]), told[1])
    finally:
        hold.give_back()


class _Hold:
    """Rank 0's hand on a directory. On other ranks it takes nothing, so it gives nothing back."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._made: list[Path] = []  # the innermost first
        self._lock, self._handle = Path(), -1

    def take(self, config: Config, recipe: str) -> Path:
        if config.run.resume == "auto" and not config.run.dir:
            raise UsageError("--run.resume auto without --run.dir: which run?", remedy=_newest(recipe))
        directory = Path(config.run.dir or f"runs/{recipe}-{time.strftime('%Y%m%d-%H%M%S')}")
        try:
            directory = self._make(directory) if config.run.dir else self._make_new(directory)
            self._lock = directory / LOCK
            self._handle = self._locked()
        except OSError as error:
            raise io_error(error, directory, 0) from error
        return directory

    def give_back(self) -> None:
        """Never raises."""
        if self._handle >= 0:
            discard(self._lock)
            os.close(self._handle)
        for directory in self._made:
            try:
                directory.rmdir()
            except OSError:  # a run is in there
                return

    def _make(self, directory: Path) -> Path:
        missing = [path for path in (directory, *directory.parents) if not path.exists()]
        directory.mkdir(parents=True, exist_ok=True)
        self._made = missing + self._made
        return directory

    def _make_new(self, wanted: Path) -> Path:
        """A directory that nobody else has: runs may start in the same second."""
        self._make(wanted.parent)
        for number in count(1):
            directory = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
            try:
                directory.mkdir()
            except FileExistsError:
                continue
            self._made = [directory, *self._made]
            return directory
        raise AssertionError("there is always another number")

    def _locked(self) -> int:
        """A handle on the lock, once it is ours (Note [Lock])."""
        while True:
            handle = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
            try:
                self._flock(handle)
                if _is_named(handle, self._lock):
                    self._sign(handle)
                    return handle
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)  # of a job that ended just now

    def _flock(self, handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            told = _read(handle)
            where = f"{self._lock.parent}: another job is at work there, {_described(told)}"
            raise UsageError(where, remedy=_remedy(told)) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            self.notes.append(f"{self._lock.parent} cannot be locked ({error.strerror}): start no second job there")

    def _sign(self, handle: int) -> None:
        if before := _read(handle):
            self.notes.append(
                f"{self._lock.parent} was another job's, {_described(before)}, which did not end in order"
            )
        who = {"host": socket.gethostname(), "pid": os.getpid(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(who).encode(), 0)


def _is_named(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def _read(handle: int) -> dict[str, Any]:
    try:
        told = json.loads(os.pread(handle, 1000, 0))
    except (ValueError, RecursionError):  # not written yet
        return {}
    return told if isinstance(told, dict) else {}


def _described(told: Mapping[str, Any]) -> str:
    host, pid, since = (str(told.get(name, "?"))[:80] for name in ("host", "pid", "since"))
    return f"process {pid} on {host}, since {since}"


def _remedy(told: Mapping[str, Any]) -> str:
    """What to do about a lock: where a job was killed, its children may live on, and hold what they inherited."""
    pid = str(told.get("pid"))
    if told.get("host") == socket.gethostname() and Path("/proc/self").exists() and not Path(f"/proc/{pid}").exists():
        return f"Give another --run.dir, or end the children of process {pid}, which is gone itself."
    return "Give another --run.dir, or wait for it to end."


def _newest(recipe: str) -> str:
    runs = [path for path in Path("runs").glob(f"{recipe}-*") if path.is_dir()]
    newest = max(runs, key=lambda path: path.name, default=None)
    return f"Give --run.dir; the newest one of {recipe} is {newest}." if newest else "Give --run.dir."


def find_checkpoint(comm: Communicator, config: Config, directory: Path) -> finder.Found | None:
    """The checkpoint to resume from, the same on every rank. Collective.

    Raises
    ------
    UsageError : the directory holds a run that nobody asked to resume, or files that no run has made
    CheckpointError : the checkpoint asked for is not good, or under ``auto`` there are some and none is
    """
    found = together(comm, lambda: _find(config.run.resume, directory))
    which = [found.snapshot.step, found.snapshot.params_sha256, found.snapshot.model_sha256] if found else []
    if any(other != which for other in comm.exchange_objects(which)):
        raise UsageError(
            f"ranks found different checkpoints under {directory}",
            remedy="Give a --run.dir on a file system that all hosts share.",
        )
    return found


def _find(resume: str, directory: Path) -> finder.Found | None:
    found = None
    if resume != "never":
        found = finder.latest(directory) if resume == "auto" else finder.load(resume)
    if found is None or not _is_own(found.path, directory):
        _require_free(directory, resume)
    return found


def _is_own(path: Path, directory: Path) -> bool:
    try:
        return path.parent.samefile(finder.checkpoints_directory(directory))
    except OSError:
        return False


def _require_free(directory: Path, resume: str) -> None:
    """Let no run begin where another one is, or where files are that it would write over."""
    there = [name for name in NAMES if os.path.lexists(directory / name)]
    saved = bool(finder.checkpoints(directory))
    if there and not saved and "state" not in status.read(directory):
        raise UsageError(f"{directory} has a {there[0]} that no run has made", remedy="Give another --run.dir.")
    log = directory / LOG  # empty: of a run that ended before its first step, such as one refused
    begun = "checkpoints" in there or (LOG in there and log.stat().st_size > 0)
    if saved or (resume == "never" and begun):
        raise UsageError(
            f"{directory} holds a run already",
            remedy="Give another --run.dir, or --run.resume auto to go on with it.",
        )


def supersede(directory: Path, step: int, resume: str) -> str:
    """Put aside what a run had after a step that it goes back to: it is not lost, nor mistaken for the new future.

    Returns
    -------
    A line about it; empty if there is nothing.

    Raises
    ------
    UsageError : it lies behind a symbolic link, where we move nothing
    DataError : it cannot be moved
    """
    newer = [path for path in finder.checkpoints(directory) if finder.step_number(path) > step]
    if not newer:
        return ""
    if finder.behind_symbolic_link(directory):
        if resume == "auto":  # they were refused, and will be
            return ""
        raise UsageError(
            f"{newer[0]} is newer than step {step}, and not moved aside, as it is behind a symbolic link",
            remedy="Give another --run.dir, or the one that the link points to.",
        )
    try:
        aside = _move_aside(directory, newer, step)
    except OSError as error:
        raise io_error(error, error.filename or directory, 0) from error
    steps = " and ".join(str(finder.step_number(path)) for path in dict.fromkeys((newer[-1], newer[0])))
    which = f"the checkpoint of step {steps}" if len(newer) == 1 else f"{len(newer)} checkpoints of steps {steps}"
    between = "" if len(newer) < 3 else " and those between"
    return f"superseded: {which}{between}, and the log after step {step}, are now in {aside}"


def _move_aside(directory: Path, newer: list[Path], step: int) -> Path:
    """The log first and the newest checkpoint next: after a kill in between the rest is a run as it was before."""
    for number in count(1):
        aside = directory / f"superseded-{number}"
        if not os.path.lexists(aside):
            break
    aside.mkdir()
    write_new(aside / LOG, b"".join(metrics.lines_after(directory / LOG, step)))
    sync_directory(directory)
    for path in newer:
        path.rename(aside / f"step-{finder.step_number(path):08d}")
    if (directory / SUMMARY).exists():
        (directory / SUMMARY).rename(aside / SUMMARY)
    for place in (aside, newer[0].parent, directory):
        sync_directory(place)
    return aside
