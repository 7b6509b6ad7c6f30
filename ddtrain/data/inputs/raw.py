"""Inputs as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ddtrain.comm.protocol import Communicator
from ddtrain.data.dataset import Dataset
from ddtrain.data.fitted import State
from ddtrain.data.inputs.protocol import Inputs
from ddtrain.parts import register


class Cast:
    """The same numbers in the dtype of the run.

    >>> Cast(np.float32)(np.array([0, 255], np.uint8))
    array([  0., 255.], dtype=float32)
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self.dtype = np.dtype(dtype)

    def __call__(self, x: NDArray[Any]) -> NDArray[Any]:
        return x.astype(self.dtype)

    def state_dict(self) -> State:
        """Nothing: it is fitted to no data."""
        return {}


@register
@dataclass(frozen=True)
class Raw(Inputs):
    """The numbers of the files, such as pixels from 0 to 255.

    >>> Raw().load({}, np.float64)(np.array([7]))
    array([7.])
    """

    name: str = "none"
    """How inputs are prepared."""

    def fit(self, dataset: Dataset, dtype: DTypeLike, comm: Communicator | None = None) -> Cast:
        return Cast(dtype)

    def load(self, state: State, dtype: DTypeLike) -> Cast:
        return Cast(dtype)
