"""Arrays that stay on the disk: ``.npy`` files, of which a batch reads its own rows alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.data.checksum import SAMPLED, checksum
from ddtrain.errors import DataError, first_line, quoted

Array = NDArray[Any]
Paths = str | Path | Sequence[str | Path]


class MemoryMapped:
    """Arrays of one length in ``.npy`` files, each in one file or in several, which may be larger than memory.

    Parameters
    ----------
    arrays : for each array its file, or its files in order: inputs first, then labels or whatever else the loss takes
    transform : applied to the first array's rows of every batch

    Raises
    ------
    DataError : a file cannot be read, is no plain ``.npy`` file or cut off; files of one array differ in dtype or in
        the shape of a sample; arrays of different lengths

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for k in range(2):
    ...     np.save(folder / f"x{k}.npy", np.arange(6).reshape(3, 2) + 10 * k)
    >>> np.save(folder / "y.npy", np.arange(6))
    >>> data = MemoryMapped(sorted(folder.glob("x*.npy")), folder / "y.npy")
    >>> data.batch(np.array([5, 0]))
    (array([[14, 15],
           [ 0,  1]]), array([5, 0]))
    """

    def __init__(self, *arrays: Paths, transform: Callable[[Array], Array] | None = None) -> None:
        self._arrays = [_Rows([files] if isinstance(files, str | Path) else list(files)) for files in arrays]
        self.transform = transform
        if not self._arrays or len({len(array) for array in self._arrays}) > 1:
            lengths = ", ".join(f"{array.name}: {len(array)}" for array in self._arrays) or "none"
            raise DataError(f"MemoryMapped: expected arrays of one length, found {lengths}")

    def __len__(self) -> int:
        return len(self._arrays[0])

    def fingerprint(self) -> str:
        """A checksum of all shapes and dtypes, and of 256 rows spread evenly: not of the whole, which may be large."""
        rows = np.unique(np.linspace(0, len(self) - 1, SAMPLED).astype(np.int64)) if len(self) else np.arange(0)
        told = [f"{array.dtype} {array.shape}" for array in self._arrays]
        return checksum([np.array(told), *(array[rows] for array in self._arrays)])

    def batch(self, indices: Any) -> tuple[Any, ...]:
        """The rows ``indices`` of every array, in that order, in memory."""
        first, *others = (array[np.asarray(indices, np.int64)] for array in self._arrays)
        return (self.transform(first) if self.transform else first, *others)


class _Rows:
    """One array, whose rows lie in one file after another."""

    def __init__(self, paths: Sequence[str | Path]) -> None:
        self.name = str(paths[0]) if paths else "no file"
        self.parts = [_mapped(path) for path in paths]
        if not self.parts:
            raise DataError("MemoryMapped: an array without files", remedy="Does the pattern match any?")
        first = self.parts[0]
        for path, part in zip(paths, self.parts):
            if part.dtype != first.dtype or part.shape[1:] != first.shape[1:]:
                raise DataError(
                    f"{path}: samples of {part.dtype} {part.shape[1:]}; those of {self.name} are of {first.dtype} "
                    f"{first.shape[1:]}"
                )
        self.ends = np.cumsum([len(part) for part in self.parts])
        self.dtype, self.shape = first.dtype, (int(self.ends[-1]), *first.shape[1:])

    def __len__(self) -> int:
        return int(self.ends[-1])

    def __getitem__(self, rows: NDArray[np.int64]) -> Array:
        if rows.size and not 0 <= int(rows.min()) <= int(rows.max()) < len(self):
            raise IndexError(f"{self.name}: rows {rows.min()} to {rows.max()} of {len(self)}")
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        owner = np.searchsorted(self.ends, rows, side="right")
        for k in np.unique(owner):
            mine = np.flatnonzero(owner == k)
            found[mine] = self.parts[k][rows[mine] - (self.ends[k] - len(self.parts[k]))]
        return found


def _mapped(path: str | Path) -> Array:
    try:
        found: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or first_line(error)}") from None
    except (ValueError, EOFError) as error:  # another format, a pickle, or a file cut off
        raise DataError(
            f"{path}: expected a plain .npy file: {first_line(error)}", remedy="Write it with np.save."
        ) from None
    if not isinstance(found, np.ndarray) or not found.ndim:
        raise DataError(f"{path}: expected one array with a row a sample, found {quoted(type(found).__name__)}")
    return found
