"""Files in a folder a class: which there are, in an order that depends on neither the disk nor the machine."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ddtrain.data.checksum import SAMPLED
from ddtrain.data.sources.names import Names
from ddtrain.errors import DataError, quoted

LISTED = 20  # files that a message names


class ClassFiles(NamedTuple):
    """Files with their classes, (N,), and the classes' names."""

    root: Path
    paths: list[Path]
    labels: NDArray[np.int64]
    classes: Names

    def fingerprint(self, *told: object) -> str:
        """Of the names and lengths of all files, of the bytes of 256 of them, spread evenly, and of what is told."""
        try:
            lengths = [f"{path.relative_to(self.root).as_posix()} {path.stat().st_size}" for path in self.paths]
            crc = zlib.crc32("\n".join([*lengths, *self.classes, *map(repr, told)]).encode("utf-8", "surrogateescape"))
            for k in np.unique(np.linspace(0, len(self.paths) - 1, SAMPLED).astype(np.int64)):
                crc = zlib.crc32(self.paths[k].read_bytes(), crc)
        except OSError as error:
            raise DataError(f"{error.filename}: cannot be read: {error.strerror}") from None
        return f"{crc:08x}"


def class_files(root: str | Path, classes: Sequence[str] = ()) -> ClassFiles:
    """The files of all folders in ``root``, each a class, by name; files in folders inside a class are of it, too.

    Parameters
    ----------
    root : the folder of folders; what begins with a dot is left alone
    classes : names in order, such as those of the training data; by default those of the folders, sorted

    Raises
    ------
    DataError : there is no such folder; it has files of no class; a class has no files, or is not among those given

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> for name in ("dog/1.txt", "cat/b.txt", "cat/a.txt"):
    ...     (root / name).parent.mkdir(exist_ok=True)
    ...     _ = (root / name).write_text("!")
    >>> found = class_files(root)
    >>> [path.name for path in found.paths], found.labels, list(found.classes)
    (['a.txt', 'b.txt', '1.txt'], array([0, 0, 1]), ['cat', 'dog'])
    """
    top = Path(os.path.expanduser(root))
    try:
        there = [path for path in sorted(top.iterdir()) if not path.name.startswith(".")]
        stray = [path for path in there if not path.is_dir()]
        folders = {path.name: files_in(path) for path in there if path.is_dir()}
    except OSError as error:
        raise DataError(f"{root}: cannot be read: {error.strerror or error}") from None
    if stray or not folders:
        found = f"the files {listed(top, stray)}" if stray else "none"
        raise DataError(f"{root}: expected a folder for each class, found {found}")
    named = Names(classes or folders)
    other = [name for name in folders if name not in named]
    empty = [name for name, files in folders.items() if not files]
    if other or empty:
        what = f"folders of other classes than {quoted(list(named))}" if other else "folders without files"
        raise DataError(f"{root}: {what}: {', '.join((other or empty)[:LISTED])}", remedy="Move them elsewhere.")
    labels = [label for label, name in enumerate(named) for _ in folders.get(name, ())]
    paths = [path for name in named for path in folders.get(name, ())]
    return ClassFiles(top, paths, np.array(labels, np.int64), named)


def files_in(folder: Path) -> list[Path]:
    """All files in a folder and those inside, sorted by name; what begins with a dot is left alone."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        found += files_in(path) if path.is_dir() else [path]
    return found


def listed(root: Path, paths: Sequence[Path], reasons: Sequence[str] = ()) -> str:
    """Paths for a message, each with its reason, as many as it bears."""
    shown = [quoted(path.relative_to(root).as_posix(), plain=True) for path in paths[:LISTED]]
    if reasons:
        shown = [f"{path} ({reason})" for path, reason in zip(shown, reasons)]
    return ", ".join(shown) + (f" and {len(paths) - LISTED} more" if len(paths) > LISTED else "")
