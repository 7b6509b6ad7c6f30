"""Gives each node only its slice of the exact sum, for an optimizer whose state is divided among the nodes.

P ranks of the column.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ddtrain.comm.protocol import Communicator, Work
from ddtrain.comm.reduction_tree import ReductionTree
from ddtrain.parallel.hooks.bytes_sent import allgather_bytes, allreduce_bytes
from ddtrain.parallel.hooks.exact import ExactSum
from ddtrain.parallel.hooks.exchange_stages import StagedWork, Stages
from ddtrain.parallel.hooks.grad_bucket import GradBucket


class ReduceScatterSum(ExactSum):
    """Sums only this rank's slice of each bucket, with the bits of the exact sum; the rest is left unchanged.

    Parameters
    ----------
    slices : for each bucket, the slice of each rank within the bucket
    """

    name: ClassVar[str] = "scatter"

    def __init__(self, slices: Sequence[Sequence[slice]]) -> None:
        super().__init__()
        self._slices = slices
        self._ahead: deque[StagedWork] = deque()

    def __call__(self, bucket: GradBucket, comm: Communicator) -> Work:
        """Begin to collect all ranks' values of this rank's slice."""
        self.bytes_exact += allreduce_bytes(bucket.gradients.nbytes, comm.size)
        return StagedWork(self._exchange(bucket, comm), self._ahead)

    def _exchange(self, bucket: GradBucket, comm: Communicator) -> Stages:
        slices, gradients = self._slices[bucket.index], bucket.gradients
        longest = max(part.stop - part.start for part in slices)
        rows_P = np.zeros((comm.size, longest), gradients.dtype)
        for row, part in zip(rows_P, slices, strict=True):
            row[: part.stop - part.start] = gradients[part]
        arrived_P = np.empty_like(rows_P)
        self.bytes_sent += allgather_bytes(rows_P[0].nbytes, comm.size)
        yield comm.ialltoall(rows_P, arrived_P)

        mine = gradients[slices[comm.rank]]
        ReductionTree.of_ranks(comm.size).fold(list(arrived_P[:, : mine.size]), mine)
