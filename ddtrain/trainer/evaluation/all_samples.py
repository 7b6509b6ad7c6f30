"""Outputs, targets and losses of all samples of a data set, gathered from all ranks in the order of the samples."""

# N samples

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.autodiff import value_of
from ddtrain.comm import Communicator, gather_rows
from ddtrain.errors import ShapeError, kind_of

Array = NDArray[Any]
_PLACE = "place"


class AllSamples:
    """Collects rows on one rank, in any order, and puts those of all ranks together on rank 0.

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> samples = AllSamples()
    >>> samples.add(np.array([2, 3]), {"losses": np.array([0.2, 0.3])})
    >>> samples.add(np.array([0, 1]), {"losses": np.array([0.0, 0.1])})
    >>> samples.gathered(LocalCommunicator())
    {'losses': array([0. , 0.1, 0.2, 0.3])}
    """

    def __init__(self) -> None:
        self._parts: dict[str, list[Array]] = {}

    def add(self, places: Sequence[int] | Array, columns: Mapping[str, Any]) -> None:
        """Rows of the samples at some places of the data set.

        Raises
        ------
        ShapeError : a column is no array of one row a sample
        """
        for name, column in {_PLACE: places, **columns}.items():
            self._parts.setdefault(name, []).append(_rows(name, value_of(column), len(places)))

    def gathered(self, comm: Communicator) -> dict[str, Array]:
        """Each column of all ranks in the order of the samples, on rank 0; nothing on the others. Collective."""
        mine = {name: np.concatenate(parts) for name, parts in self._parts.items()}
        found = dict(zip(mine, gather_rows(comm, list(mine.values()), everywhere=False), strict=True))
        if comm.rank or not found:
            return {}
        order = np.argsort(found.pop(_PLACE))
        return {name: column[order] for name, column in found.items()}


def _rows(name: str, column: Any, rows: int) -> Array:
    if isinstance(column, np.ndarray) and column.ndim and len(column) == rows and column.dtype.kind in "biufc":
        return column
    given = f"an array of shape {column.shape}, {column.dtype}" if isinstance(column, np.ndarray) else kind_of(column)
    raise ShapeError(
        f"evaluation: {name} are {given} where numbers for each of {rows} samples are wanted",
        remedy="Give Task(outputs=lambda model, *batch: (outputs, targets)).",
    )
