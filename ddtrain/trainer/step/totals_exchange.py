"""Sums the results of a step's forward passes over all shards: totals, and new values of the model's buffers.

One vector a shard, in float64, along the run's tree like every sum. It travels ahead of the gradients, hidden behind
the backward pass of the rank's last shard. Where a run has one shard, its totals are the sum already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ddtrain.comm.protocol import Communicator
from ddtrain.parallel import ShardLayout, TotalsReducer
from ddtrain.trainer.step.loss_output import LossOutput
from ddtrain.trainer.step.model_buffers import ModelBuffers
from ddtrain.trainer.step.totals import Totals


class TotalsExchange:
    """The exchange of one rank, step after step: ``begin``, ``add`` for each of its shards, ``start``, ``wait``.

    Parameters
    ----------
    comm : the run's communicator, over which ranks agree on the names of metrics the first time
    reducer : sums the vectors
    loss_output : knows the names of the metrics
    buffers : turns a shard's new values into numbers to add, and their sum into new values
    """

    def __init__(
        self,
        comm: Communicator,
        layout: ShardLayout,
        reducer: TotalsReducer,
        loss_output: LossOutput,
        buffers: ModelBuffers,
    ) -> None:
        self._comm, self._layout, self._reducer = comm, layout, reducer
        self._loss_output, self._buffers = loss_output, buffers
        self.begin(0)

    def begin(self, step: int) -> None:
        """Begin a step; ``step`` is counted from 0."""
        self._step = step
        self._totals: list[Totals] = []
        self._updates: list[Mapping[str, Any]] = []
        self._sum = np.empty(0)

    def add(self, totals: Totals, updates: Mapping[str, Any]) -> bool:
        """Add the results of one shard's forward pass; True if it was this rank's last shard."""
        self._totals.append(totals)
        self._updates.append(updates)
        return len(self._totals) == len(self._layout.shards)

    def start(self) -> None:
        """Begin to sum over all shards. Collective the first time."""
        names = self._loss_output.agree(self._comm)
        if self._layout.count == 1:
            return
        vectors = [totals.pack(names) for totals in self._totals]
        if self._buffers.size:
            each = zip(self._updates, self._totals, strict=True)
            rows = [self._buffers.contribution(updates, self._step, totals.count) for updates, totals in each]
            vectors = [np.concatenate(parts) for parts in zip(vectors, rows, strict=True)]
        sums = self._layout.block_sums(vectors)
        self._sum = np.empty_like(sums[0])
        self._reducer.start(sums, self._sum)

    def wait(self) -> tuple[Totals, dict[str, Any]]:
        """The totals of the global batch, and the buffers' new values by path.

        Raises
        ------
        ReplicaError : shards left different values of a buffer that is declared to be the same on all
        """
        if self._layout.count == 1:
            return self._totals[0].in_order(self._loss_output.agree(self._comm)), dict(self._updates[0])
        self._reducer.wait()
        own = self._sum.size - self._buffers.size
        totals = Totals.unpack(self._sum[:own], self._loss_output.agree(self._comm))
        return totals, self._buffers.reduced(self._sum[own:], self._updates, self._step, totals.count)
