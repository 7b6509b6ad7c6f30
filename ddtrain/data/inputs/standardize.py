"""Inputs of mean 0 and variance 1, feature by feature or channel by channel."""

# N samples, C channels

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ddtrain.comm.protocol import Communicator
from ddtrain.data.arrays import Normalize
from ddtrain.data.dataset import Dataset
from ddtrain.data.inputs.moments import BLOCK, moments
from ddtrain.data.inputs.protocol import Inputs
from ddtrain.errors import ShapeError
from ddtrain.parts import register

_ROUNDING = 1e-12  # times the mean: what the mean of a block of equal numbers may be off by


class Standardize:
    """``(x - mean) / std``: a transform of :class:`ddtrain.data.ArrayData`, with numbers from the data itself.

    What does not vary in the training data becomes 0.

    Parameters
    ----------
    mean, std : of each feature, in the shape of a sample, or of each channel, (C,)
    dtype : of the result

    >>> from ddtrain.data import ArrayData
    >>> fitted = Standardize.fit(ArrayData(np.array([[1.0, 5.0], [3.0, 5.0]])), dtype=np.float64)
    >>> fitted(np.array([[5.0, 5.0]]))
    array([[3., 0.]])
    >>> Standardize.from_state(fitted.state_dict())(np.array([[5, 6]]))
    array([[3., 1.]], dtype=float32)
    """

    def __init__(self, mean: NDArray[Any], std: NDArray[Any], dtype: DTypeLike = np.float32) -> None:
        self.mean, self.std = np.asarray(mean, np.float64), np.asarray(std, np.float64)
        self.dtype = np.dtype(dtype)
        self._normalize = Normalize(self.mean, self.std, dtype)

    @classmethod
    def fit(
        cls,
        dataset: Dataset,
        *,
        channels: bool = False,
        dtype: DTypeLike = np.float32,
        comm: Communicator | None = None,
        block: int = BLOCK,
    ) -> Self:
        """From the training data, with the same bits on any number of ranks. Collective, where there are ranks.

        Parameters
        ----------
        dataset, comm, block : as in :func:`ddtrain.data.inputs.moments`
        channels : one mean and one standard deviation a channel, the last axis
        dtype : of the results; the fit itself is in float64

        Raises
        ------
        DataError : on all ranks, of no samples, or of inputs that are not finite
        """
        found = moments(dataset, channels=channels, comm=comm, block=block)
        shape = (-1,) if channels else dataset.batch(np.arange(0))[0].shape[1:]
        std = np.sqrt(found.spread / found.count)
        varies = std > _ROUNDING * np.abs(found.mean)
        return cls(found.mean.reshape(shape), np.where(varies, std, 1.0).reshape(shape), dtype)

    def __call__(self, x: NDArray[Any]) -> NDArray[Any]:
        """A new array of the same shape."""
        return self._normalize(x)

    def inverse(self, x: NDArray[Any]) -> NDArray[Any]:
        """Back to the data's own units, such as a model's predictions of standardised targets.

        >>> Standardize(np.array(10.0), np.array(2.0)).inverse(np.array([-1.0, 0.5]))
        array([ 8., 11.], dtype=float32)
        """
        y: NDArray[Any] = np.multiply(x, self.std.astype(self.dtype), dtype=self.dtype, casting="unsafe")
        y += self.mean.astype(self.dtype)
        return y

    def state_dict(self) -> dict[str, NDArray[np.float64]]:
        """What :meth:`from_state` makes the same transform of: arrays to be stored beside the model's."""
        return {"mean": self.mean, "std": self.std}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with stored numbers.

        Raises
        ------
        ShapeError : they are of samples of another shape
        """
        stored = self.from_state(state, self.dtype)
        if stored.mean.shape != self.mean.shape:
            raise ShapeError(
                f"standardize: fitted to means of shape {self.mean.shape}, the stored ones have {stored.mean.shape}"
            )
        self.mean, self.std, self._normalize = stored.mean, stored.std, stored._normalize

    @classmethod
    def from_state(cls, state: Mapping[str, Any], dtype: DTypeLike = np.float32) -> Self:
        """The transform of which :meth:`state_dict` was stored."""
        return cls(state["mean"], state["std"], dtype)


@register
@dataclass(frozen=True)
class Standardized(Inputs):
    """Mean 0 and variance 1 of every feature, or every channel: :class:`Standardize`.

    >>> from ddtrain.data import ArrayData
    >>> Standardized().fit(ArrayData(np.array([[1.0], [3.0]])), np.float64)(np.array([[5.0]]))
    array([[3.]])
    """

    name: str = "standardize"
    """How inputs are prepared."""
    per_channel: bool = False
    """One mean and one deviation a channel, the last axis, and not one a feature."""

    def fit(self, dataset: Dataset, dtype: DTypeLike, comm: Communicator | None = None) -> Standardize:
        return Standardize.fit(dataset, channels=self.per_channel, dtype=dtype, comm=comm)

    def load(self, state: Mapping[str, Any], dtype: DTypeLike) -> Standardize:
        return Standardize.from_state(state, dtype)
