"""Steps of methods that ask a batch for more than one gradient: line searches, Newton's method and its kin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ddtrain.comm.protocol import Array
from ddtrain.optim.batch_methods.protocol import BatchMethod, CurvatureMethod
from ddtrain.trainer.modes.batch_objective import BatchObjective
from ddtrain.trainer.modes.sync import Sync
from ddtrain.trainer.step.step_control import StepControl
from ddtrain.trainer.step.totals import Totals
from ddtrain.trainer.step.train_step import TrainStep


class TrialPoints(Sync):
    """Sync whose update evaluates the batch again (Note [Trial points] in ``batch_objective.py``)."""

    def __init__(self, train_step: TrainStep, config: Any) -> None:
        super().__init__(train_step, config)
        node, values = train_step.node, train_step.store.values
        self._whole = node.alloc(values.size if node.rank == 0 else 0, values.dtype)[0]
        self._batch: tuple[int, Any, float] | None = None  # step, rows and loss of the batch to be updated by

    def gradients(self, step: int, rows: Any, stop_vote: bool = False) -> Totals:
        """As usual, and remember of which batch."""
        totals = super().gradients(step, rows, stop_vote)
        self._batch = step, rows, totals.means()["loss"]
        return totals

    def apply(self, control: StepControl) -> None:
        """Let the method take its step, at the learning rate of ``control``; or skip it."""
        self.figures = {}
        if not control.apply:
            super().apply(control)
            return
        assert self._batch is not None, "there is a batch before there is an update"
        train_step, (step, rows, loss) = self.train_step, self._batch
        optimizer, updates = train_step.optimizer, train_step.updates
        formula = cast(BatchMethod, optimizer.formula)
        samples = formula.curvature_samples if isinstance(formula, CurvatureMethod) else 0
        objective = BatchObjective(self, step, rows, self._whole, samples)
        x, gradient = train_step.store.values.copy(), objective.summed()
        optimizer.count += 1
        found = formula.step(objective, x, loss, gradient, optimizer.state, control.lr)
        objective.move_to(objective.agree(found))
        self.figures = objective.figures
        train_step.updates = updates
        train_step.store_buffers()
        train_step.reducer.wait_updated()

    def load_optimizer_state(self, state: Mapping[str, Array]) -> None:
        """Load the method's vectors, which every rank has whole."""
        for name, vector in self.train_step.optimizer.state.items():
            vector[...] = state[name]
