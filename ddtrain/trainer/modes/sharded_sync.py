"""The optimizer sharded over the nodes: each node sums and updates a share of the parameters, then all exchange them.

Note [Sharded optimizer]
Of every bucket, a node gets the sum of its own cells alone (reduce-scatter), updates those parameters, and sends them
to the others (allgather): as many bytes as an allreduce, but a node keeps 1/N of the optimizer's state. Sums have the
same order, updates are elementwise, and the norm is a sum over the same cells: the result has the bits of a run whose
state is on every node. Checkpoints are the same, too, so that a run may go on with the other kind.
Rajbhandari et al. (2020), "ZeRO: memory optimizations toward training trillion parameter models", arXiv:1910.02054,
stage 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ddtrain.comm.protocol import Array
from ddtrain.parallel.hooks.bytes_sent import allgather_bytes
from ddtrain.trainer.modes.sync import Sync
from ddtrain.trainer.step.sharded_optimizer import pack, unpack
from ddtrain.trainer.step.step_control import StepControl
from ddtrain.trainer.step.train_step import TrainStep


class ShardedSync(Sync):
    """Sync with a sharded optimizer (Note [Sharded optimizer])."""

    def __init__(self, train_step: TrainStep, config: Any) -> None:
        super().__init__(train_step, config)
        reducer, column = train_step.reducer, train_step.node.column
        size = sum(span.stop - span.start for span in reducer.spans)
        self._spans = [[slice(*span) for span in spans] for spans in _of_column(column, reducer.spans)]
        self._longest = max([sum(span.stop - span.start for span in spans) for spans in self._spans], default=size)

    def apply(self, control: StepControl) -> None:
        """Update this node's share, and exchange the shares."""
        super().apply(control)
        if control.apply:
            self.share_values()

    def share_values(self) -> None:
        """Exchange the shares of the nodes."""
        reducer, column, values = self.train_step.reducer, self.train_step.node.column, self.train_step.store.values
        if column is not None and column.size > 1:
            mine = np.zeros(self._longest, values.dtype)
            pack(values, reducer.spans, mine)
            everybody = np.empty((column.size, self._longest), values.dtype)
            column.allgather(mine, everybody)
            reducer.hook.bytes_sent += allgather_bytes(mine.nbytes, column.size)
            for rank, spans in enumerate(self._spans):
                if rank != column.rank:
                    unpack(everybody[rank], spans, values)
        self.wait_for_node()

    def consolidated_state(self) -> Mapping[str, Array]:
        train_step, whole = self.train_step, {}
        for name, vector in train_step.optimizer.state.items():
            whole[name] = np.zeros(train_step.store.values.size, vector.dtype)
            unpack(vector, train_step.reducer.spans, whole[name])
            # sums of integers keep the bits: only one rank has each element, all others have 0
            train_step.comm.allreduce(whole[name].view(f"u{vector.itemsize}"))
        return whole

    def load_optimizer_state(self, state: Mapping[str, Array]) -> None:
        for name, vector in self.train_step.optimizer.state.items():
            pack(state[name], self.train_step.reducer.spans, vector)

    def optimizer_state_like(self) -> Mapping[str, Array]:
        n = self.train_step.store.values.size
        return {
            name: np.broadcast_to(vector.dtype.type(0), n) for name, vector in self.train_step.optimizer.state.items()
        }


def _of_column(column: Any, spans: Sequence[slice]) -> list[Any]:
    return column.exchange_objects([[span.start, span.stop] for span in spans]) if column is not None else []
