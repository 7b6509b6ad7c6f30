"""A data set in memory and the transform that makes a batch of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ddtrain.data.checksum import checksum
from ddtrain.data.extremes import extreme_rows
from ddtrain.errors import DataError

Array = NDArray[Any]


class ArrayData:
    """Arrays of one length whose rows belong together.

    Parameters
    ----------
    arrays : inputs first, then labels or whatever else the loss takes
    transform : applied to the first array's rows of every batch

    Raises
    ------
    DataError : arrays of different lengths, or one with a mask, which no loss function would see

    >>> data = ArrayData(np.arange(6).reshape(3, 2), np.array([0, 1, 0]))
    >>> len(data)
    3
    >>> data.batch(np.array([2, 0]))
    (array([[4, 5],
           [0, 1]]), array([0, 0]))
    """

    def __init__(self, *arrays: ArrayLike, transform: Callable[[Array], Array] | None = None) -> None:
        for k, array in enumerate(arrays):
            if isinstance(array, np.ma.MaskedArray):
                raise DataError(
                    f"ArrayData: array {k} is masked, and the values under its mask would be trained on",
                    remedy="Leave those samples out, or fill them: array.filled(0), with the mask as an array beside.",
                )
        self.arrays = tuple(np.asarray(array) for array in arrays)
        self.transform = transform
        shapes = [array.shape for array in self.arrays]
        if not shapes or any(not shape or shape[0] != shapes[0][0] for shape in shapes):
            raise DataError(f"ArrayData: expected arrays of one length, found shapes {shapes}")

    def __len__(self) -> int:
        return len(self.arrays[0])

    def fingerprint(self) -> str:
        """A checksum of every byte, by which ranks and resumed runs see that they have the same data.

        Raises
        ------
        DataError : an array of Python objects that are not made of numbers, texts and arrays

        >>> ArrayData(np.arange(3)).fingerprint() == ArrayData(np.arange(3)).fingerprint()
        True
        """
        try:
            return checksum(self.arrays)
        except TypeError as error:
            raise DataError(
                f"ArrayData: {error}", remedy="Give plain arrays, or arrays of arrays, numbers or texts."
            ) from None

    def extremes(self) -> Array:
        """The samples with the outermost labels: see :mod:`ddtrain.data.extremes`."""
        return extreme_rows(self.arrays)

    def batch(self, indices: Array) -> tuple[Array, ...]:
        """The rows ``indices`` of every array, in that order; none for an empty shard, with the right shapes."""
        first, *others = [array[indices] for array in self.arrays]
        return (self.transform(first) if self.transform else first, *others)


class Normalize:
    """Whole numbers to floats of mean 0 and variance 1: (x − mean) / std.

    Parameters
    ----------
    mean, std : of the training data, in its own units (pixels: 0 to 255), one number or one a channel
    dtype : of the result

    >>> Normalize(mean=100, std=50)(np.array([0, 250], np.uint8))
    array([-2.,  3.], dtype=float32)
    """

    def __init__(self, mean: ArrayLike, std: ArrayLike, dtype: DTypeLike = np.float32) -> None:
        self.dtype = np.dtype(dtype)
        self._mean, self._std = np.asarray(mean, self.dtype), np.asarray(std, self.dtype)

    def __call__(self, x: Array) -> Array:
        """A new array of the same shape."""
        y: Array = np.subtract(x, self._mean, dtype=self.dtype, casting="unsafe")
        y /= self._std
        return y
