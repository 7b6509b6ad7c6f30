"""What an augmentation is: a part that changes a batch, by random numbers that belong to its samples.

Note [Draws of a sample]
What is drawn for a sample depends on (seed, augmentation, epoch, the sample's place in the data set) and on nothing
else: neither on the batch that it is in, nor on its place there, nor on the rank or the shard that computes it. So the
same sample is changed in the same way on any number of ranks, and after a resume, and in another way in each epoch.
"""

# N images, H height, W width, C channels

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ddtrain import rng
from ddtrain.errors import ShapeError
from ddtrain.parts import Part, Range

Array = NDArray[Any]
Batch = tuple[Array, ...]
Load = Callable[[Array], Batch]


@dataclass(frozen=True)
class Draws:
    """The random numbers of one augmentation for the samples of one batch (Note [Draws of a sample]).

    Parameters
    ----------
    seed, purpose, epoch : the key that they share; the purpose is the augmentation's own
    indices : of the samples in the data set
    total : samples in the data set
    others : gives the samples at other indices as they are before this augmentation; None: there is no data set

    >>> whole = Draws(0, "augment/flip", 3, np.array([4, 1, 2])).uniform(2)
    >>> bool((whole[1:] == Draws(0, "augment/flip", 3, np.array([1, 2])).uniform(2)).all())
    True
    """

    seed: int
    purpose: str
    epoch: int
    indices: Array
    total: int = 0
    others: Load | None = None

    def generators(self) -> Iterator[np.random.Generator]:
        """Each sample's, in turn: draw from one before going on to the next."""
        return rng.sample_streams(self.seed, self.purpose, self.epoch, self.indices.tolist())

    def uniform(self, count: int) -> NDArray[np.float64]:
        """(N, count) numbers in [0, 1)."""
        drawn = np.empty((len(self.indices), count))
        for row, generator in zip(drawn, self.generators(), strict=True):
            generator.random(out=row)
        return drawn

    def between(self, low: float, high: float, count: int = 1) -> NDArray[np.float64]:
        """(N, count) numbers in [low, high)."""
        return low + (high - low) * self.uniform(count)


@dataclass(frozen=True)
class Augment(Part, kind="augment", default="flip"):
    """The base of augmentations: ``Augment(name="crop", padding=2)`` makes the one of that name.

    A subclass gives ``images``; one that changes more than the first array of a batch gives ``__call__`` instead.
    """

    name: str = ""
    floating: ClassVar[bool] = False  # whether it computes with values, and does not only move them
    any_shape: ClassVar[bool] = False  # whether samples may have any shape, as where every value is by itself

    def __call__(self, batch: Batch, draws: Draws) -> Batch:
        """The batch with other images; the arrays that came in stay as they are.

        Raises
        ------
        ShapeError : the first array does not hold images where it must, or whole numbers where values are computed
        """
        x = batch[0]
        if x.ndim != 4 and not self.any_shape:
            raise ShapeError(
                f"augment: {self.name} takes images (N, H, W, C), not an array of shape {x.shape}",
                remedy="Give it images, before they are flattened, or leave it out.",
            )
        if self.floating:
            check_floating(self.name, x)
        return self.images(x, draws), *batch[1:]

    def of_classes(self, classes: int) -> Self:
        """The same where labels are of so many classes, 0 if that is not known; for what makes targets of labels."""
        return self

    def images(self, x_NHWC: Array, draws: Draws) -> Array:
        """A new array of images, of the same shape and dtype."""
        raise NotImplementedError


def check_floating(name: str, x: Array) -> None:
    """Raise unless ``x`` holds real numbers."""
    if x.dtype.kind != "f":
        raise ShapeError(
            f"augment: {name} computes with real numbers, not with {x.dtype}",
            remedy="Normalize first: ArrayData(x, y, transform=Normalize(mean, std)).",
        )


def of_images(numbers_N: Array, x_NHWC: Array) -> Array:
    """One number an image, to be broadcast over its pixels: (N,) or (N, 1) to (N, 1, 1, 1), in the dtype of images."""
    return numbers_N.reshape(-1, *[1] * (x_NHWC.ndim - 1)).astype(x_NHWC.dtype)


def not_negative(name: str, value: float) -> Range:
    """The range of an amount."""
    return name, value >= 0, "0 or more"


def probability(name: str, value: float) -> Range:
    """The range of a probability."""
    return name, 0 <= value <= 1, "a number from 0 to 1"
