"""Numbers that each rank works out for its share of the gradient, and that all ranks then have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.comm.protocol import Node

Array = NDArray[Any]


class SharedNumbers:
    """One float64 number for each of many places, of which each rank knows some. Collective over the node.

    Parameters
    ----------
    count : how many numbers there are in all
    kept : the places whose numbers this rank works out
    summed : the places that this rank's column looks after: those of ``kept``, and where sums are scattered over nodes
        also those that other nodes keep
    scattered : whether that is so
    counter : one of the node's, used by nobody else
    """

    def __init__(
        self, count: int, kept: Sequence[int], summed: Sequence[int], scattered: bool, node: Node, counter: int
    ) -> None:
        self._node, self._counter, self._turn = node, counter, 0
        self._kept, self._summed, self._scattered = _index(kept), summed, scattered
        self._kept_of_summed = np.isin(summed, kept)
        self._alone = node.size == 1 and not scattered and list(kept) == list(range(count))
        self._numbers = node.alloc(count if node.rank == 0 else 0, np.float64)[0]  # shared by the node

    def exchange(self, mine: Sequence[float] | Array) -> Array:
        """All numbers, given this rank's; the same bits on every rank. They change with the next exchange."""
        if self._alone:
            return np.asarray(mine, np.float64)
        self._numbers[self._kept] = mine
        if self._scattered:
            self._collect_from_column()
        self._turn += 1
        self._node.post(self._counter, self._turn)
        self._node.wait(self._counter, self._turn)
        return self._numbers

    def _collect_from_column(self) -> None:
        """Fetch the numbers in this rank's share that other nodes keep."""
        assert self._node.column is not None, "sums are scattered over a column"
        numbers = np.zeros(len(self._summed))
        numbers[self._kept_of_summed] = self._numbers[self._kept]
        self._node.column.allreduce(numbers)  # exact, because each entry is one number plus zeros
        self._numbers[self._summed] = numbers


def _index(places: Sequence[int]) -> Any:
    """An index of these places: a slice, which NumPy takes sooner, where they follow one another.

    >>> _index([3, 4, 5]), _index([3, 5])
    (slice(3, 6, None), array([3, 5]))
    """
    first = places[0] if places else 0
    run = range(first, first + len(places))
    return slice(run.start, run.stop) if list(places) == list(run) else np.array(places)
