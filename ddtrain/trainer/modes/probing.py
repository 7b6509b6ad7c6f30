"""Steps of optimizers that take their gradient at another point than the one they update: Nesterov's momentum, SAM.

Note [Probing]
The values are moved to the point by the ranks that hold them, shared as after an update, and moved back, bit for bit,
before the update. What a step leaves for the model's buffers, and the loss in the log, are those of the first gradient
that the step computes: of the real point where the optimizer needs its gradient (SAM), else of the point looked ahead
to (Nesterov).
"""

from __future__ import annotations

import math
from typing import Any, cast

from ddtrain.comm.protocol import Array
from ddtrain.optim import Prober
from ddtrain.trainer.modes.sharded_sync import ShardedSync
from ddtrain.trainer.modes.sync import Sync, own
from ddtrain.trainer.step.totals import Totals


class Probing(Sync):
    """Sync with gradients of another point (Note [Probing])."""

    def gradients(self, step: int, rows: Any, stop_vote: bool = False) -> Totals:
        """The gradient that the optimizer wants, at the values as they are before and after."""
        if not self._optimizer.formula.by_gradient:
            values = self._move(scale=0.0)
            totals = super().gradients(step, rows, stop_vote)
            self._restore(values)
            return totals
        totals = super().gradients(step, rows, stop_vote)
        updates, norm = self.train_step.updates, math.sqrt(max(0.0, self.square_norm()))
        values = self._move(scale=1.0 / norm if norm > 0 else 0.0)
        super().gradients(step, rows, stop_vote)
        self._restore(values)
        self.train_step.updates = updates
        return totals

    @property
    def _optimizer(self) -> Prober:
        return cast(Prober, self.train_step.optimizer)

    def _move(self, scale: float) -> list[Array]:
        """Move the node's values to the point; returns this rank's share of them as they were. Collective."""
        train_step = self.train_step
        spans, values = train_step.reducer.spans, train_step.store.values
        before = [part.copy() for part in own(values, spans)]
        self._optimizer.probe(values, train_step.gradient_buffer.grads, scale=scale, spans=spans)
        self.share_values()
        return before

    def _restore(self, before: list[Array]) -> None:
        for part, old in zip(own(self.train_step.store.values, self.train_step.reducer.spans), before, strict=True):
            part[...] = old
        self.share_values()


class ShardedProbing(Probing, ShardedSync):
    """The same with a sharded optimizer."""
