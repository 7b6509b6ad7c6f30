"""The squared norm of the summed gradient, made of one number a cell.

Each rank squares the cells whose sums it holds; then all add up the same numbers in the same order. Cells are cut by
the model's layout alone (Note [Cells] in ``parallel/buckets.py``), so neither the number of ranks nor the size of
buckets changes a bit of the norm.
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
from ddtrain.parallel.shared_numbers import SharedNumbers

Array = NDArray[Any]


class GradientNorm:
    """The norm of the whole gradient, of which each rank holds a share. Collective over the node, like its methods.

    Parameters
    ----------
    counter : one of the node's, used by nobody else
    """

    def __init__(self, buckets: Sequence[Bucket], shares: BucketShares, node: Node, counter: int) -> None:
        number = {cell.start: k for k, cell in enumerate(cell for bucket in buckets for cell in bucket.cells)}
        kept = [cell for cells in shares.kept for cell in cells]
        self._cells_K2 = np.array([(cell.start, cell.stop) for cell in kept], np.int64).reshape(-1, 2)
        self._squares = SharedNumbers(
            len(number),
            kept=[number[cell.start] for cell in kept],
            summed=[number[cell.start] for cells in shares.summed for cell in cells],
            scattered=bool(shares.kept_by_node),
            node=node,
            counter=counter,
        )

    def square(self, gradient: Array) -> float:
        """The squared norm of the whole sum, the same bits on every rank, at any number of ranks.

        Parameters
        ----------
        gradient : (n,) with the sum over all ranks in this rank's share
        """
        squares = self._squares.exchange(optimizer_update.square_norms(gradient, self._cells_K2))
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.add.reduce(squares))
