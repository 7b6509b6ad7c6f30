"""What a data set is to the trainer, and a batch of it in the dtype of the run."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike

from ddtrain.data.casting import cast
from ddtrain.data.sampler import Indices, order, split
from ddtrain.errors import DataError, kind_of


class Dataset(Protocol):
    """Samples by position, the same ones on every rank.

    One that also has ``fingerprint()`` is compared by that when a run begins: a text that is the same, on every rank
    and when a run is resumed, as long as the data is, and another if it is not. It is a checksum of the bytes; where
    there are many, of some of them and of the files' names and lengths. Any other data set is compared by 256 of its
    samples, and by all if that takes no second.

    One that has ``training_batch(indices, *, seed, epoch)`` is asked by that for what is trained on, see
    :func:`training_batch_of`. One that has ``extremes()``, the places of some samples that show whether all can be
    trained on, has those tried before the first step. One that has ``order(*, seed, epoch)`` is trained on in that
    order, any other shuffled.

    >>> import numpy as np
    >>> class Squares:
    ...     def __len__(self):
    ...         return 1000
    ...
    ...     def batch(self, indices):
    ...         return indices.astype(float), indices**2
    >>> batch_of(Squares(), np.array([2, 3]), np.float32)
    (array([2., 3.], dtype=float32), array([4, 9]))
    """

    def __len__(self) -> int: ...

    def batch(self, indices: Any) -> tuple[Any, ...]:
        """The samples at ``indices``, as a tuple of arrays whose first axis is the sample.

        Parameters
        ----------
        indices : int64 array of places in [0, len), each at most once: in the order of an epoch's shuffle for a step,
            consecutive for an evaluation, and none for a shard without samples, whose arrays have the shapes and
            dtypes of others but for the first axis. Each rank asks for its own

        Returns
        -------
        The same arrays whenever the same samples are asked for; randomness belongs into ``training_batch``. The run
        brings floating ones to its own dtype, and the loss is given them as ``loss(model, *arrays)``.

        Notes
        -----
        With ``--data.prefetch``, and where ranks are threads, several threads call it at once.
        """
        ...


def batch_of(dataset: Dataset, rows: Any, dtype: DTypeLike) -> tuple[Any, ...]:
    """The samples at ``rows``, floating arrays in the run's dtype.

    Raises
    ------
    DataError : the data set gave something else than a tuple, which the loss function would be given piece by piece

    >>> import numpy as np
    >>> from ddtrain.data import ArrayData
    >>> batch_of(ArrayData(np.array([0.5, 1.5]), np.array([7, 8])), np.array([1]), np.float32)
    (array([1.5], dtype=float32), array([8]))
    """
    return _checked(dataset.batch(rows), dataset, "batch", dtype)


def training_batch_of(dataset: Dataset, rows: Any, dtype: DTypeLike, *, seed: int, epoch: int) -> tuple[Any, ...]:
    """As :func:`batch_of`, but as the samples are to be trained on: augmented, where the data set does that.

    Such a data set has ``training_batch(indices, seed=..., epoch=...)`` beside ``batch``.

    Raises
    ------
    DataError : the data set gave something else than a tuple

    >>> import numpy as np
    >>> from ddtrain.data import ArrayData
    >>> training_batch_of(ArrayData(np.arange(3)), np.array([2]), np.float32, seed=0, epoch=1)
    (array([2]),)
    """
    augmented = getattr(dataset, "training_batch", None)
    if augmented is None:
        return batch_of(dataset, rows, dtype)
    batch = augmented(rows, seed=seed, epoch=epoch)
    return _checked(batch, dataset, "training_batch", dtype)


def order_of(dataset: Dataset, *, seed: int, epoch: int) -> Indices:
    """The order of all samples in an epoch: the data set's own, or a permutation by seed and epoch.

    Raises
    ------
    DataError : the data set's own order leaves out a sample, or has one twice

    >>> import numpy as np
    >>> from ddtrain.data import ArrayData, Streams
    >>> order_of(ArrayData(np.arange(5)), seed=0, epoch=3)
    array([0, 2, 1, 4, 3])
    >>> order_of(Streams(ArrayData(np.arange(5)), 2), seed=0, epoch=3)
    array([0, 3, 1, 4, 2])
    """
    if not has_order(dataset):
        return order(seed, epoch, len(dataset))
    own: Any = dataset
    rows = np.asarray(own.order(seed=seed, epoch=epoch))
    if not np.array_equal(np.sort(rows), np.arange(len(dataset))):
        raise DataError(
            f"{type(dataset).__name__}.order: not each of {len(dataset):,} samples once",
            remedy="Return a permutation of range(len(dataset)).",
        )
    return rows


def has_order(dataset: Dataset) -> bool:
    """Whether a data set has an order of its own.

    >>> import numpy as np
    >>> from ddtrain.data import ArrayData
    >>> has_order(ArrayData(np.arange(5)))
    False
    """
    return callable(getattr(dataset, "order", None))


def batches_of(dataset: Dataset, *, seed: int, epoch: int, batch_size: int) -> list[Indices]:
    """The global batches of an epoch, in the order of :func:`order_of`; the last one may be shorter.

    >>> import numpy as np
    >>> from ddtrain.data import ArrayData, Streams
    >>> batches_of(Streams(ArrayData(np.arange(5)), 2), seed=0, epoch=0, batch_size=2)
    [array([0, 3]), array([1, 4]), array([2])]
    """
    return split(order_of(dataset, seed=seed, epoch=epoch), batch_size)


def _checked(batch: Any, dataset: Dataset, method: str, dtype: DTypeLike) -> tuple[Any, ...]:
    if not isinstance(batch, (tuple, list)):
        raise DataError(
            f"{type(dataset).__name__}.{method} returned {kind_of(batch)} where a tuple of arrays is wanted",
            remedy="Return (x,) if there is only one array.",
        )
    arrays: tuple[Any, ...] = cast(tuple(batch), dtype)
    return arrays
