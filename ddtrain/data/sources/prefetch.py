"""Reading batches ahead in a thread, while the step before computes: the same batches, earlier.

A thread, not a process: a process forked after MPI has started is undefined, and one of its own would need the data
sent to it.
"""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ddtrain.data.dataset import Dataset, training_batch_of

Rows = NDArray[np.int64]


class _Read(NamedTuple):
    """A batch to be read."""

    rows: Rows
    epoch: int
    batch: Future[tuple[Any, ...]]


class Prefetched:
    """A data set whose training batches of some steps to come are read in a thread, which ends with the block.

    What is asked for without having been read ahead is read at once. The bits are the same in any case, as a batch is
    decided by its places, the seed and the epoch.

    Parameters
    ----------
    dataset : any; its ``batch`` is called from the thread, too, while other threads may call it
    dtype : of the run
    seed : of the run
    ahead : steps whose batches are read before they are asked for, and stay in memory
    parts_of : of a step, the rows and the epoch of each batch that this rank will ask for; none after the last step

    >>> from ddtrain.data import ArrayData
    >>> parts = lambda step: [(np.array([step]), 0)] if step < 3 else []
    >>> with Prefetched(ArrayData(np.array([1.0, 2.0, 3.0])), np.float32, seed=0, ahead=2, parts_of=parts) as data:
    ...     data.begin(0)
    ...     data.training_batch(np.array([0]), seed=0, epoch=0)
    (array([1.], dtype=float32),)
    """

    def __init__(
        self,
        dataset: Dataset,
        dtype: DTypeLike,
        *,
        seed: int,
        ahead: int,
        parts_of: Callable[[int], Sequence[tuple[Rows, int]]],
    ) -> None:
        self.dataset, self.dtype, self.seed, self.ahead, self.parts_of = dataset, dtype, seed, ahead, parts_of
        self._asked: dict[int, list[_Read]] = {}  # by step
        self._queue: queue.SimpleQueue[_Read | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock, self._ended = threading.Lock(), False
        for name in ("fingerprint", "extremes", "order"):  # what a data set may offer, see Dataset
            if hasattr(dataset, name):
                setattr(self, name, getattr(dataset, name))

    def __len__(self) -> int:
        return len(self.dataset)

    def batch(self, indices: Any) -> tuple[Any, ...]:
        """The samples as the data set has them."""
        return self.dataset.batch(indices)

    def begin(self, step: int) -> None:
        """Go on reading, up to ``ahead`` steps beyond this one; what earlier steps have left unasked is dropped."""
        with self._lock:
            self._asked = {s: reads for s, reads in self._asked.items() if s >= step}
        for s in range(step, step + self.ahead + 1):
            if s not in self._asked:
                self._asked[s] = [_Read(rows, epoch, Future()) for rows, epoch in self.parts_of(s)]
                for read in self._asked[s]:
                    self._queue.put(read)
        if self._thread is None:
            # in the context of the step, whose settings, such as NumPy's for overflows, the data set would see
            work = contextvars.copy_context().run
            self._thread = threading.Thread(target=work, args=(self._work,), name="ddtrain-prefetch", daemon=True)
            self._thread.start()

    def training_batch(self, indices: Any, *, seed: int, epoch: int) -> tuple[Any, ...]:
        """The samples as they are to be trained on; an error that reading them ahead has raised is raised here."""
        rows = np.asarray(indices)
        ahead = self._taken(rows, epoch) if seed == self.seed else None
        if ahead is None:
            return training_batch_of(self.dataset, rows, self.dtype, seed=seed, epoch=epoch)
        return ahead.result()

    def _taken(self, rows: Rows, epoch: int) -> Future[tuple[Any, ...]] | None:
        """The batch that is being read ahead. It is given once, as the loss may change its arrays."""
        with self._lock:  # shards may be computed in threads
            for reads in self._asked.values():
                for k, read in enumerate(reads):
                    if read.epoch == epoch and np.array_equal(read.rows, rows):
                        return reads.pop(k).batch
        return None

    def _work(self) -> None:
        while (read := self._queue.get()) is not None:
            if self._ended:
                read.batch.cancel()
                continue
            try:
                read.batch.set_result(
                    training_batch_of(self.dataset, read.rows, self.dtype, seed=self.seed, epoch=read.epoch)
                )
            except BaseException as error:  # whatever it is, the step that needs the batch raises it
                read.batch.set_exception(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """End the thread, after the batch that it is reading."""
        self._ended = True
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join()
