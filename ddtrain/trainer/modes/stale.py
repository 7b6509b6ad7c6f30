"""One step late: while a step's gradients are summed over the ranks, the next step is already computed.

Note [One step late]
Step t computes its gradients at the parameters of step t, and applies those of step t − 1, whose sum had all of this
step's time to arrive: x(t+1) = update(x(t), g(t−1)), with the learning rate of step t. The first step applies nothing.
Totals are not late: a step's line in the log shows its own loss, beside the norm of the gradient that it applied.
Buffers are not late either: they are those of the last forward pass, unless they or its loss were not finite. The
gradient of a loss that was not finite has the norm NaN, so that the coordinator skips that gradient, one step late,
and no other. The last gradient of a run, or before a checkpoint, is not applied early: it stays pending, and a
checkpoint holds it, so that a run that was stopped and resumed is the same as one that never stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import nan
from typing import Any

import numpy as np

from ddtrain.comm.protocol import Array
from ddtrain.trainer.modes.sync import Sync
from ddtrain.trainer.step.gradient_buffer import GradientBuffer
from ddtrain.trainer.step.step_control import StepControl
from ddtrain.trainer.step.totals import Totals
from ddtrain.trainer.step.train_step import TrainStep


class Stale(Sync):
    """Two gradient buffers, one being computed while the other is being summed (Note [One step late]).

    References
    ----------
    Bounded staleness of one step: Ho et al. (2013), "More effective distributed ML via a stale synchronous parallel
    parameter server".
    """

    def __init__(self, train_step: TrainStep, config: Any) -> None:
        super().__init__(train_step, config)
        self.gradient_buffers = first, second = train_step.gradient_buffer, train_step.make_gradient_buffer(1)
        first.reducer.predecessor, second.reducer.predecessor = second.reducer, first.reducer
        self._under_way: list[GradientBuffer] = []  # gradients that were begun and not yet applied, oldest first
        # for each buffer: whether the loss of the gradients in it was finite
        self._finite: dict[GradientBuffer, bool] = {}

    def gradients(self, step: int, rows: Any, stop_vote: bool = False) -> Totals:
        """Begin this step's gradients; wait for those of the step before."""
        self.done = step + 1
        train_step, before = self.train_step, list(self._under_way)
        train_step.gradient_buffer = next(buffer for buffer in self.gradient_buffers if buffer not in before)
        totals = train_step.begin(step, rows, stop_vote)
        train_step.finish(before[0] if before else train_step.gradient_buffer)
        train_step.gradient_buffer.reducer.progress()
        self._under_way = [*before, train_step.gradient_buffer]
        self._finite[train_step.gradient_buffer] = totals.finite
        return totals

    def square_norm(self) -> float:
        """The squared norm of the gradient that is applied next; 0 in the first step."""
        if len(self._under_way) == 1:
            return 0.0
        buffer = self._under_way[0]
        square = buffer.reducer.square_norm()
        return square if self._finite[buffer] else nan

    def apply(self, control: StepControl) -> None:
        if self._finite[self.train_step.gradient_buffer]:
            self.train_step.store_buffers()
        if len(self._under_way) > 1:
            self.train_step.apply(control, self._under_way.pop(0))

    def rank_state(self) -> dict[str, Array]:
        for buffer in self._under_way:
            buffer.reducer.finish()
            return {"mean.late": buffer.grads if self._finite[buffer] else np.full_like(buffer.grads, nan)}
        return {}

    def load_rank_state(self, memory: Mapping[str, Array], exactly: bool) -> None:
        if "mean.late" in memory:
            late = self.gradient_buffers[0]
            late.reducer.load_sum(memory["mean.late"])
            # The gradient of a loss that was not finite was saved as NaN, so that it needs no mark of its own.
            self._under_way, self._finite[late] = [late], True
