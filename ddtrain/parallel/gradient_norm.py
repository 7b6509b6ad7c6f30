"""The squared norm of the summed gradient, added up from one number for each cell.

Each rank computes the squared norms of the cells that it holds; then all ranks add the same numbers in the same order.
Cells are cut by the model's layout alone (Note [Cells] in ``parallel/buckets.py``), so neither the number of ranks nor
the size of buckets changes a bit of the norm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.comm.protocol import Node
from ddtrain.kernels import optimizer_update
from ddtrain.parallel.bucket_shares import BucketShares
from ddtrain.parallel.buckets import Bucket

Array = NDArray[Any]


class GradientNorm:
    """The norm of a gradient of which each rank holds a share. Making one, and its methods, are collective on a node.

    Parameters
    ----------
    counter : a counter of the node that nothing else uses
    """

    def __init__(self, buckets: Sequence[Bucket], shares: BucketShares, node: Node, counter: int) -> None:
        self._node, self._counter, self._turn = node, counter, 0
        number = {cell.start: k for k, cell in enumerate(cell for bucket in buckets for cell in bucket.cells)}
        self._cells = [cell for cells in shares.kept for cell in cells]
        self._kept = [number[cell.start] for cell in self._cells]
        self._summed = [number[cell.start] for cells in shares.summed for cell in cells]
        self._scattered = bool(shares.kept_by_node)
        # squared norms of all cells, shared by the node
        self._squares = node.alloc(len(number) if node.rank == 0 else 0, np.float64)[0]

    def square(self, gradient: Array) -> float:
        """The squared norm of the whole sum, the same bits on every rank, at any number of ranks.

        Parameters
        ----------
        gradient : (n,) vector that holds the sum over all ranks in this rank's share
        """
        self._squares[self._kept] = optimizer_update.square_norms(gradient, self._cells)
        if self._scattered:
            self._collect_from_column()
        self._turn += 1
        self._node.post(self._counter, self._turn)
        self._node.wait(self._counter, self._turn)
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.add.reduce(self._squares))

    def _collect_from_column(self) -> None:
        """Fetch the squares of the cells in this rank's share whose sums other nodes keep."""
        assert self._node.column is not None, "sums are scattered over a column"
        squares = np.zeros(len(self._summed))
        squares[np.isin(self._summed, self._kept)] = self._squares[self._kept]
        self._node.column.allreduce(squares)  # exact: each entry is one number plus zeros
        self._squares[self._summed] = squares
