"""Local SGD: every node trains alone for H steps, then all continue from the mean of their parameters.

Note [Worker]
A worker is a node: within one, memory is shared and gradients are summed in every step. Its gradient is its share of
the global batch's mean times the number of nodes, so that the mean of all workers' steps is the step on the global
batch, ragged and empty shards included; with H = 1 and plain SGD local is sync, to rounding. The norm that is logged
and clipped by is the root of the mean of the workers' squares, so that one factor holds for all. What a run shows
(evaluations, checkpoints, its final parameters) is the mean of its workers; they themselves go on from where they were.
The totals and rank 0's decision, some hundred bytes, still travel every step, with them the buffers that are means or
sums over shards (Note [One value of a buffer] in ``trainer/step/model_buffers.py``), and so do the moments of a
synchronised batch-norm, forward and backward: ``BatchNorm(sync=False)`` spares these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from ddtrain.comm.protocol import Array
from ddtrain.parallel.hooks.bytes_sent import allreduce_bytes
from ddtrain.trainer.modes.sync import Sync, own
from ddtrain.trainer.step.step_control import StepControl
from ddtrain.trainer.step.train_step import TrainStep


class LocalSGD(Sync):
    """Parameters and optimizer state are averaged over the nodes every ``sync_every`` steps.

    References
    ----------
    Stich (2019), "Local SGD converges fast and communicates little", arXiv:1805.09767. Averaging the momentum, too:
    Yu, Jin, Yang (2019), arXiv:1905.03817.
    """

    keeps_state: ClassVar[bool] = False  # every node keeps its own optimizer state all the time

    def __init__(self, train_step: TrainStep, config: Any) -> None:
        super().__init__(train_step, config)
        self.every, self.nodes = config.sync_every, len(train_step.node.sizes)
        self.values = own(train_step.store.values, self.spans)

    @property
    def spans(self) -> list[slice]:
        """The slices of the node's vectors that are this rank's share."""
        return self.train_step.reducer.spans

    @property
    def is_apart(self) -> bool:
        """Whether the nodes have taken steps since they were last averaged."""
        return bool(self.done % self.every)

    def square_norm(self) -> float:
        """The mean over nodes of their gradients' squared norms."""
        square = np.array([super().square_norm() / self.train_step.node.size])
        self.train_step.comm.allreduce(square)
        # undo the division: each node's gradient is its share times the number of nodes
        return float(square[0] * self.nodes)

    def apply(self, control: StepControl) -> None:
        """Apply the node's own update, and average over the nodes when that is due."""
        super().apply(control._replace(scale=control.scale * self.nodes))
        if not self.is_apart:
            self.meet()

    def meet(self) -> None:
        """Set all nodes to their mean."""
        self._average([*self.values, *self._state()])
        self.wait_for_node()

    @contextmanager
    def consolidated(self, state: bool = False) -> Iterator[None]:
        vectors = [*self.values] if self.is_apart else []
        vectors += self._state() if state and (self.is_apart or self.keeps_state) else []
        kept = [vector.copy() for vector in vectors]
        self._average(vectors)
        self.wait_for_node()
        yield
        self.wait_for_node()  # wait until no rank of the node reads the mean any more, because it is overwritten next
        for vector, mine in zip(vectors, kept, strict=True):
            vector[...] = mine
        self.wait_for_node()

    def rank_state(self) -> dict[str, Array]:
        store, state = self.train_step.store, self.train_step.optimizer.state
        return {
            "mean.values": store.values,
            **{f"mean.optim.{name}": vector for name, vector in state.items()},
        }

    def load_rank_state(self, memory: Mapping[str, Array], exactly: bool) -> None:
        if not exactly:  # go on from the mean, which the checkpoint's tensors already are
            return
        store = self.train_step.store
        vectors = {"mean.values": store.values}
        vectors |= {f"mean.optim.{name}": vector for name, vector in self.train_step.optimizer.state.items()}
        for name, vector in vectors.items():
            for span in self.spans:
                vector[span] = memory[name][span]
        self.wait_for_node()

    def _state(self) -> list[Array]:
        return [part for vector in self.train_step.optimizer.state.values() for part in own(vector, self.spans)]

    def _average(self, vectors: list[Array]) -> None:
        """Replace vectors by their mean over the nodes; all their sums are under way at the same time."""
        column = self.train_step.node.column
        if column is None or column.size == 1:
            return
        works = [column.iallreduce(vector) for vector in vectors]
        self.train_step.reducer.hook.bytes_sent += sum(
            allreduce_bytes(vector.nbytes, column.size) for vector in vectors
        )
        for work, vector in zip(works, vectors, strict=True):
            work.wait()
            vector /= column.size
