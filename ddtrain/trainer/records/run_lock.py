"""A run's directory belongs to one job at a time: rank 0 chooses it and holds its lock.

    RUN/.ddtrain-lock    host and process of the job that works here; removed when the job ends in order

Note [Lock]
The lock is the kernel's (flock), which frees it however the job ends; the file's text is for the user. If a file system
has no such locks, the run continues without one and says so. The holder of the lock may remove the file, so a job that
gets the lock checks that the file still has its name.
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

from ddtrain.comm import run_on_rank_0
from ddtrain.comm.protocol import Communicator
from ddtrain.errors import UsageError
from ddtrain.trainer.atomic_files import discard, io_error
from ddtrain.trainer.config.config import Config

LOCK = ".ddtrain-lock"
_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL)


@dataclass
class LockedDirectory:
    """A directory that belongs to this job alone, and lines about how it was chosen."""

    directory: Path
    notes: list[str] = field(default_factory=list)


def is_at_work(directory: Path) -> bool:
    """Whether a job has the directory, as far as can be seen from this machine: on another, its lock is believed.

    Nothing is locked to find out, or a job that starts at this moment would be refused.
    """
    try:
        handle = os.open(directory / LOCK, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        return not _is_gone(_read_owner(handle))
    finally:
        os.close(handle)


@contextmanager
def lock_run_directory(comm: Communicator, config: Config, recipe: str) -> Iterator[LockedDirectory]:
    """While inside, ``run.dir``, or a new ``runs/RECIPE-TIME``, belongs to this job; rank 0 chooses. Collective.

    A new directory that is empty at the end is removed, so that a run that could not start leaves nothing.

    Raises
    ------
    UsageError : on all ranks, if another job works there, or the directory of the run to be resumed is not given
    DataError : on all ranks, if it cannot be made
    """
    lock = _DirectoryLock()
    try:
        directory, notes = run_on_rank_0(comm, lambda: [str(lock.acquire(config, recipe)), lock.notes])
        yield LockedDirectory(Path(directory), notes)
    finally:
        lock.release()


class _DirectoryLock:
    """Rank 0's lock on a run's directory. Other ranks acquire nothing, so they release nothing."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._made: list[Path] = []  # directories that this job has made, the innermost first
        self._lock, self._handle = Path(), -1

    def acquire(self, config: Config, recipe: str) -> Path:
        if config.run.resume == "auto" and not config.run.dir:
            raise UsageError("--run.resume auto without --run.dir: which run?", remedy=_newest_run(recipe))
        directory = Path(config.run.dir or f"runs/{recipe}-{time.strftime('%Y%m%d-%H%M%S')}")
        try:
            directory = self._make(directory) if config.run.dir else self._make_new(directory)
            self._lock = directory / LOCK
            self._handle = self._open_locked()
        except OSError as error:
            raise io_error(error, directory, 0) from error
        return directory

    def release(self) -> None:
        """Never raises."""
        if self._handle >= 0:
            discard(self._lock)
            os.close(self._handle)
        for directory in self._made:
            try:
                directory.rmdir()
            except OSError:  # the directory is not empty, because a run is in it
                return

    def _make(self, directory: Path) -> Path:
        missing = [path for path in (directory, *directory.parents) if not path.exists()]
        directory.mkdir(parents=True, exist_ok=True)
        self._made = missing + self._made
        return directory

    def _make_new(self, wanted: Path) -> Path:
        """Make a directory of a new name, even if several runs start in the same second."""
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

    def _open_locked(self) -> int:
        """The handle of the lock file, once this job holds the lock (Note [Lock])."""
        while True:
            handle = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
            try:
                self._try_flock(handle)
                if _still_has_its_name(handle, self._lock):
                    self._write_owner(handle)
                    return handle
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)  # the lock of a job that ended just now

    def _try_flock(self, handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _read_owner(handle)
            where = f"{self._lock.parent}: another job is at work there, {_describe_owner(owner)}"
            raise UsageError(where, remedy=_remedy(owner)) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            self.notes.append(f"{self._lock.parent} cannot be locked ({error.strerror}): start no second job there")

    def _write_owner(self, handle: int) -> None:
        if before := _read_owner(handle):
            self.notes.append(
                f"{self._lock.parent} was another job's, {_describe_owner(before)}, which did not end in order"
            )
        who = {"host": socket.gethostname(), "pid": os.getpid(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(who).encode(), 0)


def _still_has_its_name(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def _read_owner(handle: int) -> dict[str, Any]:
    try:
        owner = json.loads(os.pread(handle, 1000, 0))
    except (ValueError, RecursionError):  # the other job has not written its line yet
        return {}
    return owner if isinstance(owner, dict) else {}


def _describe_owner(owner: Mapping[str, Any]) -> str:
    host, pid, since = (str(owner.get(name, "?"))[:80] for name in ("host", "pid", "since"))
    return f"process {pid} on {host}, since {since}"


def _remedy(owner: Mapping[str, Any]) -> str:
    """What to do about a lock: children of a killed job may live on and still hold the lock that they inherited."""
    if _is_gone(owner):
        return f"Give another --run.dir, or end the children of process {owner.get('pid')}, which is gone itself."
    return "Give another --run.dir, or wait for it to end."


def _is_gone(owner: Mapping[str, Any]) -> bool:
    """Whether the process is one of this machine, and is no more."""
    here = owner.get("host") == socket.gethostname() and Path("/proc/self").exists()
    return here and not Path(f"/proc/{owner.get('pid')}").exists()


def _newest_run(recipe: str) -> str:
    runs = [path for path in Path("runs").glob(f"{recipe}-*") if path.is_dir()]
    newest = max(runs, key=lambda path: path.name, default=None)
    return f"Give --run.dir; the newest one of {recipe} is {newest}." if newest else "Give --run.dir."
