"""One step late: while a step's gradients are summed over the ranks, the next step is already computed.

Note [One step late]
Step t computes its gradients at the parameters of step t, and applies those of step t − 1, whose sum had all of this
step's time to arrive: x(t+1) = update(x(t), g(t−1)), with the learning rate of step t. The first step applies nothing.
Totals are not late: a step's line in the log shows its own loss, beside the norm of the gradient that it applied. Nor
are buffers: they are those of the last forward pass, unless its loss, or they, were not finite. Of such a loss the
gradient's norm counts as NaN, whereupon the coordinator leaves out that gradient, a step late, too, and no other.
The last gradient of a run, or before a checkpoint, is not applied in haste: it stays under way, and a checkpoint holds
it, so that a run that was stopped anywhere and resumed is the run that never stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import nan
from typing import Any

import numpy as np

from ddtrain.comm.protocol import Array
from ddtrain.trainer.modes.sync import Sync
from ddtrain.trainer.step.gradient_buffer import Lane
from ddtrain.trainer.step.step_control import StepControl
from ddtrain.trainer.step.totals import Totals
from ddtrain.trainer.step.train_step import TrainStep


class Stale(Sync):
    """Two lanes of gradients, one being computed while the other is being summed (Note [One step late]).

    References
    ----------
    Bounded staleness of one step: Ho et al. (2013), "More effective distributed ML via a stale synchronous parallel
    parameter server".
    """

    def __init__(self, step_of: TrainStep, config: Any) -> None:
        super().__init__(step_of, config)
        self.lanes = first, second = step_of.lane, step_of.make_lane(1)
        first.reducer.predecessor, second.reducer.predecessor = second.reducer, first.reducer
        self._under_way: list[Lane] = []  # begun and not applied yet, in order
        self._finite: dict[Lane, bool] = {}  # was the loss that a lane's gradients are of?

    def gradients(self, step: int, rows: Any, stop_vote: bool = False) -> Totals:
        """Begin this step's gradients; wait for those of the step before."""
        self.done = step + 1
        step_of, before = self.step_of, list(self._under_way)
        step_of.lane = next(lane for lane in self.lanes if lane not in before)
        totals = step_of.begin(step, rows, stop_vote)
        step_of.finish(before[0] if before else step_of.lane)
        step_of.lane.reducer.progress()
        self._under_way = [*before, step_of.lane]
        self._finite[step_of.lane] = totals.finite
        return totals

    def square_norm(self) -> float:
        """Of the gradient that is going to be applied; 0 in the first step."""
        if len(self._under_way) == 1:
            return 0.0
        lane = self._under_way[0]
        square = lane.reducer.square_norm()
        return square if self._finite[lane] else nan

    def apply(self, control: StepControl) -> None:
        if self._finite[self.step_of.lane]:
            self.step_of.store_buffers()
        if len(self._under_way) > 1:
            self.step_of.apply(control, self._under_way.pop(0))

    def memory(self) -> dict[str, Array]:
        for lane in self._under_way:
            lane.reducer.finish()
            return {"mean.late": lane.grads if self._finite[lane] else np.full_like(lane.grads, nan)}
        return {}

    def recall(self, memory: Mapping[str, Array], exactly: bool) -> None:
        if "mean.late" in memory:
            self.lanes[0].reducer.load_sum(memory["mean.late"])
            self._under_way, self._finite[self.lanes[0]] = [self.lanes[0]], True  # or NaN all over
