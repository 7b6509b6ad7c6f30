"""Samples from an iterator of unknown length: one pass writes them to the disk, and then they are a data set.

Note [An iterator's epoch]
Training shuffles, and a resumed run goes on in the middle of an epoch: both need any sample at any time, which an
iterator does not give. So the first pass over it counts its samples and writes them, in blocks, into files that vanish
with the process. An epoch is what that pass has found, each sample once, on any number of ranks; the iterator is not
called again.
"""

from __future__ import annotations

import functools
import itertools
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.data.checksum import checksum
from ddtrain.errors import DataError, UsageError, kind_of, quoted

Array = NDArray[Any]
_BLOCK = 1024  # samples in memory while they are read


class IteratorData:
    """What an iterator yields, as a data set.

    Parameters
    ----------
    make_iterator : a function that returns an iterator of samples: each an array or a number, or a tuple of them, of
        one shape and dtype throughout; the same on every rank
    most : take at most that many, of an iterator that may never end; 0: all
    transform : applied to the first array of every batch
    directory : for the files, with space for all samples of every rank; by default the system's for temporary files

    Raises
    ------
    DataError : there are no samples; one differs in number, shape or dtype of its arrays; or the disk is full

    >>> data = IteratorData(lambda: ((np.full(2, k), k % 2) for k in range(5)))
    >>> len(data), data.batch(np.array([3, 0]))
    (5, (array([[3, 3],
           [0, 0]]), array([1, 0])))
    """

    def __init__(
        self,
        make_iterator: Callable[[], Iterable[Any]],
        *,
        most: int = 0,
        transform: Callable[[Array], Array] | None = None,
        directory: str | Path | None = None,
    ) -> None:
        if not callable(make_iterator):
            raise UsageError(
                f"IteratorData: {kind_of(make_iterator)} where a function is wanted",
                remedy="Give one that returns an iterator: lambda: read('file').",
            )
        if most < 0:
            raise UsageError(f"IteratorData: most {quoted(most)}", remedy="Give 0 (all) or more.")
        self.transform, self._count, self._checksum = transform, 0, ""
        self._kinds: list[tuple[np.dtype[Any], tuple[int, ...]]] = []
        with ExitStack() as files:  # closed at the end: their pages stay mapped as long as the arrays are there
            self._arrays = self._written(iter(make_iterator()), most, directory, files)

    def _written(self, samples: Iterator[Any], most: int, directory: Any, files: ExitStack) -> list[Array]:
        samples = itertools.islice(samples, most) if most else samples
        written: list[IO[bytes]] = []
        while block := list(itertools.islice(samples, _BLOCK)):
            arrays = self._stacked(block)
            self._checksum = checksum([np.array([self._checksum]), *arrays])
            try:
                temporary: Callable[[], Any] = functools.partial(tempfile.TemporaryFile, dir=directory)
                written = written or [files.enter_context(temporary()) for _ in arrays]
                for file, array in zip(written, arrays):
                    file.write(array.tobytes())
                    file.flush()
            except OSError as error:
                raise DataError(
                    f"IteratorData: sample {self._count} cannot be written: {error.strerror or error}",
                    remedy="Is the disk full? Give another directory.",
                ) from None
            self._count += len(block)
        if not self._count:
            raise DataError("IteratorData: the iterator gave no samples")
        return [self._mapped(file, dtype, shape) for file, (dtype, shape) in zip(written, self._kinds)]

    def _mapped(self, file: IO[bytes], dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
        if 0 in shape:  # an empty file cannot be mapped
            return np.empty((self._count, *shape), dtype)
        return np.memmap(file, dtype, "r", shape=(self._count, *shape))

    def _stacked(self, block: list[Any]) -> list[Array]:
        rows = [tuple(np.asarray(x) for x in (sample if isinstance(sample, tuple) else (sample,))) for sample in block]
        self._kinds = self._kinds or [(x.dtype, x.shape) for x in rows[0]]
        for k, row in enumerate(rows):
            found = [(x.dtype, x.shape) for x in row]
            if found != self._kinds or not row or any(dtype.hasobject for dtype, _ in found):
                told, first = (", ".join(f"{dtype} {shape}" for dtype, shape in each) for each in (found, self._kinds))
                raise DataError(
                    f"IteratorData: sample {self._count + k} is {told or 'empty'}; sample 0 is {first or 'empty'}",
                    remedy="Give plain arrays of one shape and dtype: pad, cut or convert them.",
                )
        return [np.stack(column) for column in zip(*rows)]

    def __len__(self) -> int:
        return self._count

    def fingerprint(self) -> str:
        """A checksum of every sample, made while they were read."""
        return self._checksum

    def batch(self, indices: Any) -> tuple[Any, ...]:
        """The samples at these places, in memory."""
        first, *others = (np.array(array[np.asarray(indices, np.int64)]) for array in self._arrays)
        return (self.transform(first) if self.transform else first, *others)
