"""Arrays of an ``.npz`` archive as a data set."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ddtrain.data.arrays import ArrayData
from ddtrain.data.npz import read_npz


class NpzData(ArrayData):
    """Some arrays of an archive, in order, in memory.

    Parameters
    ----------
    path : what ``np.savez`` or ``np.savez_compressed`` has written
    names : of the arrays: inputs first, then labels or whatever else the loss takes
    transform : of batches of the first, as of :class:`ddtrain.data.ArrayData`

    Raises
    ------
    DataError : the file cannot be read, lacks a name, or needs pickle; arrays of different lengths

    >>> from ddtrain.data import EMBEDDED
    >>> data = NpzData(EMBEDDED / "digits.npz", "x", "y")
    >>> len(data), data.batch([0])[0].shape
    (1797, (1, 8, 8))
    """

    def __init__(
        self, path: str | Path, *names: str, transform: Callable[[NDArray[Any]], NDArray[Any]] | None = None
    ) -> None:
        arrays = read_npz(path, dict.fromkeys(names), limit_bytes=sys.maxsize)
        super().__init__(*(arrays[name] for name in names), transform=transform)
