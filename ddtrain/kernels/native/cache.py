"""Where compiled libraries are kept: one directory a user, safe when ranks race and when files are not ours.

Note [Cache of libraries]
Loading a library is running its code. So the directory and every file in it must belong to the user or to the system's
administrator, and be writable by nobody else. A file is loaded only if its digest is the one written down beside it (a
torn or damaged one is made again), and its name holds all that it depends on: sources, flags, compiler and processor.
Ranks take turns by a lock on a file of that name: one compiles, the others find what it made. A file appears by a
rename, whole or not at all. If one fails, its reason stands in the lock's file and is believed for a minute, so that
ranks that start together do not all wait for a compiler that hangs. A directory that cannot be written to is good for
what it holds.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
BELIEVED_S = 60.0  # seconds for which a failure of another process counts


class CacheError(Exception):
    """Why the cache cannot be used; the text is one line."""


def directory() -> Path:
    """The user's directory of compiled libraries, made if need be: ``$DDTRAIN_CACHE``, else under ``~/.cache``.

    Raises
    ------
    CacheError : it cannot be made, or somebody else may write to it
    """
    given = os.environ.get("DDTRAIN_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    path = Path(given or os.path.join(home, "ddtrain")) / "kernels"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat()
    except OSError as error:
        raise CacheError(f"the directory {path} cannot be made: {error.strerror}") from None
    if status.st_uid not in _trusted():
        raise CacheError(f"the directory {path} belongs to somebody else")
    if status.st_mode & _BY_OTHERS:
        raise CacheError(f"others may write to the directory {path}")
    return path


def _trusted() -> tuple[int, int]:
    return 0, os.getuid()


def _is_ours(status: os.stat_result) -> bool:
    return status.st_uid in _trusted() and not status.st_mode & _BY_OTHERS


def fetch(name: str, make: Callable[[Path], dict[str, Any]]) -> tuple[Path, dict[str, Any]]:
    """The library of that name, and the facts written down with it; made first where there is none.

    Parameters
    ----------
    make : ``make(path)`` writes the library there, and returns facts to be kept (JSON)

    Raises
    ------
    CacheError : the cache cannot be used, its disk is full, or another process has just failed to make the library;
        what ``make`` raises passes
    """
    path = directory() / f"{name}.so"
    facts = _valid(path)
    if facts is not None:  # whole, as it appeared by a rename: no need to wait for anybody
        return path, facts
    try:
        with _locked(path.with_suffix(".lock")) as lock:
            facts = _valid(path)
            if facts is None:
                facts = _make(path, make, lock)
            return path, facts
    except OSError as error:
        raise CacheError(_full(path, error)) from None


def _full(path: Path, error: OSError) -> str:
    return f"the directory {path.parent} cannot be written to: {error.strerror}"


def _make(path: Path, make: Callable[[Path], dict[str, Any]], lock: TextIO) -> dict[str, Any]:
    failed = lock.read()
    if failed and time.time() - os.fstat(lock.fileno()).st_mtime < BELIEVED_S:
        raise CacheError(failed)
    lock.seek(0)
    lock.truncate()
    try:
        return _store(path, make)
    except Exception as error:
        lock.write(
            f"{path.parent} cannot be written to: {error.strerror}" if isinstance(error, OSError) else str(error)
        )
        raise


def _store(path: Path, make: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".making-") as room:
        made = Path(room) / path.name
        facts = make(made)
        made.chmod(0o700)
        noted = {"sha256": _digest(made), "facts": facts}
        note = made.with_suffix(".json")
        note.write_text(json.dumps(noted))
        note.chmod(0o600)
        os.replace(made, path)
        os.replace(note, path.with_suffix(".json"))  # last: a library without its note counts for nothing
    return facts


def _valid(path: Path) -> dict[str, Any] | None:
    """The facts of a library that may be loaded, or None."""
    note = path.with_suffix(".json")
    try:
        if not (_is_ours(path.stat()) and _is_ours(note.stat())):
            return None
        noted = json.loads(note.read_text())
        facts: dict[str, Any] = noted["facts"]
        return facts if noted["sha256"] == _digest(path) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[TextIO]:
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
