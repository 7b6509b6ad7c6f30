"""A data set whose training samples are augmented: a new version of each in every epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ddtrain.data.augment.parser import checked, parse
from ddtrain.data.augment.protocol import Array, Augment, Batch, Draws
from ddtrain.data.dataset import Dataset, has_order
from ddtrain.errors import UsageError


def augment(
    batch: Batch,
    indices: Array,
    epoch: int,
    seed: int,
    stages: Sequence[Augment],
    dataset: Dataset | None = None,
) -> Batch:
    """A batch after some augmentations, one after the other.

    Parameters
    ----------
    batch : the samples; images (N, H, W, C) first
    indices : (N,), their places in the data set, which with ``epoch`` and ``seed`` decide what is drawn for each
        (Note [Draws of a sample])
    stages : what is done, in order; one that occurs again draws other numbers
    dataset : where mixup finds other samples

    Returns
    -------
    A tuple of new arrays; those that came in stay as they are.

    Raises
    ------
    ShapeError, UsageError : what an augmentation cannot be applied to

    >>> from ddtrain.data.augment import Flip
    >>> x = np.arange(4).reshape(2, 1, 2, 1)
    >>> augment((x,), np.array([5, 7]), epoch=0, seed=1, stages=[Flip()])[0][:, 0, :, 0]
    array([[1, 0],
           [3, 2]])
    """
    seen: dict[str, int] = {}
    for k, stage in enumerate(stages):
        count = seen[stage.name] = seen.get(stage.name, 0) + 1
        purpose = f"augment/{stage.name}" if count == 1 else f"augment/{stage.name}/{count}"
        others = None if dataset is None else _others(dataset, epoch, seed, stages[:k])
        batch = stage(batch, Draws(seed, purpose, epoch, indices, 0 if dataset is None else len(dataset), others))
    return batch


def _others(dataset: Dataset, epoch: int, seed: int, before: Sequence[Augment]) -> Callable[[Array], Batch]:
    return lambda rows: augment(dataset.batch(rows), rows, epoch, seed, before, dataset)


class Augmented:
    """A data set with augmentations for training; ``batch`` gives the samples as they are, for evaluations.

    Parameters
    ----------
    dataset : any
    stages : augmentations in order, or the text that names them, such as ``"flip,crop(padding=2)"``

    Raises
    ------
    UsageError : what is no augmentation, or an option out of range; the data set has an order of its own

    >>> from ddtrain.data import ArrayData
    >>> data = Augmented(ArrayData(np.arange(4.0).reshape(2, 1, 2, 1)), "flip(horizontal=1)")
    >>> data.batch(np.array([1]))[0].ravel(), data.training_batch(np.array([1]), seed=0, epoch=3)[0].ravel()
    (array([2., 3.]), array([3., 2.]))
    """

    def __init__(self, dataset: Dataset, stages: str | Sequence[Augment]) -> None:
        if has_order(dataset):
            raise UsageError(
                f"augment: the samples of {type(dataset).__name__} follow one another in an order of their own",
                remedy="Leave --data.augment out, or give samples that can be shuffled.",
            )
        self.dataset = dataset
        self.stages = parse(stages) if isinstance(stages, str) else checked(stages)
        if hasattr(dataset, "fingerprint"):
            self.fingerprint: Callable[[], str] = dataset.fingerprint  # of the data, which augmentation is not
        if hasattr(dataset, "extremes"):
            self.extremes: Callable[[], Any] = dataset.extremes

    def __len__(self) -> int:
        return len(self.dataset)

    def batch(self, indices: Any) -> Batch:
        """The samples as the data set has them."""
        return self.dataset.batch(indices)

    def training_batch(self, indices: Any, *, seed: int, epoch: int) -> Batch:
        """The samples as they are to be trained on in an epoch of a run with this seed."""
        rows = np.asarray(indices)
        return augment(self.dataset.batch(rows), rows, epoch, seed, self.stages, self.dataset)
