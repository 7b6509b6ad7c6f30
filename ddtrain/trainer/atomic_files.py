"""Files that exist completely or not at all, and errors that say which file failed, why, and how many bytes it needed.

Note [Written aside]
A crash may come between any two system calls. What must be whole is written under another name, fsynced (its bytes
are on the disk), renamed (the name changes hands in one piece), and its directory fsynced (the name is on the disk).
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from ddtrain.errors import DataError
from ddtrain.json_text import to_json as to_json


def write_new(path: Path, data: bytes) -> None:
    """Write a file that must not exist yet, and return when its bytes are on the disk."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_directory(path: Path) -> None:
    """Return when the names in a directory are on the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace(path: Path | str, data: bytes) -> None:
    """Give a file new contents: a reader sees the old ones or the new ones, never a mixture (Note [Written aside]).

    Raises
    ------
    DataError : with path, reason and bytes needed; the old contents are then still there.
    """
    path = Path(path)
    aside = path.with_name(f".tmp-{path.name}-{os.getpid()}")
    try:
        aside.unlink(missing_ok=True)
        write_new(aside, data)
        aside.rename(path)
        sync_directory(path.parent)
    except OSError as error:
        discard(aside)
        raise io_error(error, path, len(data)) from error


def discard(path: Path) -> None:
    """Remove a file if that is possible."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def write_json(path: Path | str, value: Any) -> None:
    """Replace a file by a JSON value, one key a line (see :func:`to_json` for NaN)."""
    replace(path, (to_json(value, indent=1) + "\n").encode())


def io_error(error: OSError, path: Path | str, wanted: int, kind: type[DataError] = DataError) -> DataError:
    """An operating system's error as a DataError: what could not be written, why, and how many bytes it needed.

    >>> io_error(OSError(errno.ENOSPC, "No space left on device"), "run/state.json", 512).message
    'cannot write run/state.json: No space left on device (ENOSPC), 512 bytes wanted'
    """
    code = errno.errorcode.get(error.errno or 0, "no errno")
    text = error.strerror or str(error)
    size = f", {wanted} bytes wanted" if wanted else ""
    return kind(f"cannot write {path}: {text} ({code}){size}", remedy=_REMEDIES.get(code, ""))


_REMEDIES = {
    "ENOSPC": "Free some space, or give another --run.dir.",
    "EDQUOT": "Free some of the quota, or give another --run.dir.",
    "EFBIG": "Raise the limit on file sizes (ulimit -f).",
    "EEXIST": "Give a --run.dir that is a directory, or not there yet.",
    "ENOTDIR": "Give a --run.dir that is a directory, or not there yet.",
    "EROFS": "Give a --run.dir that can be written.",
    "EACCES": "Give a --run.dir that can be written.",
    "EPERM": "Give a --run.dir that can be written.",
}
