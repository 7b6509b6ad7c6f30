"""Rank 0 decides what all ranks do after each step, and broadcasts it as one small vector.

The order within a step is fixed: reduce, finite check, norm, clip, update. Decisions are made from reduced
totals on rank 0 and broadcast, so that no difference between machines can make two ranks part ways.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ddtrain.errors import NonFiniteError
from ddtrain.optim import schedules
from ddtrain.parallel import SmallCollectives
from ddtrain.trainer.config.config import Config, Run
from ddtrain.trainer.config.step_ranges import rates_of
from ddtrain.trainer.saved_decisions import check_decisions
from ddtrain.trainer.step.step_control import Reason, StepControl
from ddtrain.trainer.step.totals import Totals
from ddtrain.trainer.stop_signals import StopFile
from ddtrain.trainer.tries.lr_range import LrRangeTest

__all__ = ["Coordinator", "Reason", "StepControl"]


def total_steps(run: Run, steps_per_epoch: int) -> int:
    """Steps of a whole run: all of its epochs, unless ``run.steps`` cuts it short.

    >>> total_steps(Run(epochs=3), 10), total_steps(Run(epochs=3, steps=12), 10)
    (30, 12)
    """
    planned = run.epochs * steps_per_epoch
    return min(planned, run.steps or planned)


class Coordinator:
    """Decides learning rate, clipping, skipped steps, early stopping, and when to evaluate and save.

    Parameters
    ----------
    config : the run's configuration; sections run, optim, schedule, clip, nonfinite, eval, checkpoint are read
    comm : carries one broadcast a step; none if there is one rank
    steps_per_epoch : steps in one pass over the training data
    stop_file : a file that asks the run to stop, looked for by rank 0

    Attributes
    ----------
    length_note : says where schedule and run differ in length; empty if they do not
    range_test : what stands in for the schedule in a test of learning rates, and has seen its losses on rank 0

    Notes
    -----
    The schedule is laid out over ``run.epochs``. ``run.steps`` only cuts a run short, so that a run cut short and
    resumed takes the same steps as one that was not.

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> config = Config().updated({"clip": {"norm": 1.0}})
    >>> coordinator = Coordinator(config, LocalCommunicator(), steps_per_epoch=10)
    >>> control = coordinator.decide(step=0, totals=Totals(), sq_norm=16.0)
    >>> control.grad_norm, control.scale, control.apply
    (4.0, 0.25, True)
    """

    def __init__(
        self, config: Config, comm: SmallCollectives, steps_per_epoch: int, stop_file: StopFile | None = None
    ) -> None:
        self.config, self.comm = config, comm
        # In mode "stale" the norm is that of the step before, and NaN where that step's loss was not finite.
        self.late = config.comm.mode == "stale"
        self.steps_per_epoch, self.stop_file = steps_per_epoch, stop_file
        planned = config.run.epochs * steps_per_epoch
        self.total_steps = total_steps(config.run, steps_per_epoch)
        self._evaluates_every = config.eval.every * steps_per_epoch
        self._saves_every = config.checkpoint.every or steps_per_epoch
        base_lr = config.schedule.scaled(config.optim.lr, config.data.batch_size)
        self.schedule = schedules.make(config.schedule, base_lr, planned, steps_per_epoch)
        rates = rates_of(config.run.lr_range_test)
        self.range_test = LrRangeTest(*rates, self.total_steps) if rates else None
        self.length_note = schedules.length_note(config.schedule, planned, self.total_steps, steps_per_epoch)
        self.skipped = 0  # skipped steps of the whole run
        self.skipped_in_a_row = 0
        self.best: float | None = None  # lowest validation loss so far
        self.since_best = 0  # evaluations since then

    def decide(self, step: int, totals: Totals, sq_norm: float) -> StepControl:
        """Decide what to do with the step whose gradients have just been reduced. Collective.

        Parameters
        ----------
        step : counted from 0
        totals : of the global batch, reduced
        sq_norm : squared global norm of the reduced gradient

        Raises
        ------
        NonFiniteError : on all ranks at the same step, if such steps stop the run or too many came in a row.
        """
        control = self._obey(self._decide(step, totals, sq_norm) if self.comm.rank == 0 else None)
        if control.reason is Reason.NON_FINITE:
            raise self._non_finite(totals, control.grad_norm).at(step=step + 1)
        return control

    def observe(self, step: int, control: StepControl, valid_loss: float) -> StepControl:
        """Take note of the evaluation that ``control`` asked for, and return the control that now holds. Collective.

        An evaluation that was made only because the run ends does not count for plateau and patience, so that a run
        that was cut short and resumed goes on as if it had not been.
        """
        return self._obey(self._observe(step, control, valid_loss) if self.comm.rank == 0 else None)

    @property
    def out_of_patience(self) -> bool:
        """Whether ``eval.patience`` evaluations in a row brought no better loss; known on rank 0, and on all ranks
        after :meth:`load`.
        """
        return 0 < self.config.eval.patience <= self.since_best

    def state_dict(self) -> dict[str, Any]:
        """The state that further decisions depend on, on rank 0. JSON-able."""
        return {name: getattr(self, name) for name in _STATE} | {"schedule": self.schedule.state}

    def load(self, state: dict[str, Any]) -> None:
        """Load a saved state, on any rank.

        Raises
        ------
        CheckpointError : the state is not one that a run could have saved
        """
        check_decisions(state, self.state_dict())
        if state["schedule"].keys() & self.schedule.state.keys():  # none in common: it is another schedule's
            check_decisions(state["schedule"], self.schedule.state)
        for name in _STATE:
            setattr(self, name, state[name])
        self.schedule.load(state["schedule"])

    def _obey(self, control: StepControl | None) -> StepControl:
        if control is not None and self.comm.size == 1:
            return control
        vector = control.pack() if control else np.empty(len(StepControl._fields))
        self.comm.broadcast(vector, root=0)
        return StepControl.unpack(vector)

    def _decide(self, step: int, totals: Totals, sq_norm: float) -> StepControl:
        done = step + 1
        norm = math.sqrt(sq_norm) if sq_norm >= 0 else math.nan
        apply = math.isfinite(norm) and (totals.finite or self.late)
        self.skipped_in_a_row = 0 if apply else self.skipped_in_a_row + 1
        self.skipped += not apply
        exploded = self.range_test is not None and self.range_test.explodes(
            totals.means()["loss"] if apply else math.nan
        )
        stops = self.config.nonfinite.action == "stop" or self.skipped_in_a_row >= self.config.nonfinite.max_skips
        if stops and not exploded and not (apply and totals.finite):
            return StepControl(0.0, 1.0, norm, apply=False, stop=True, reason=Reason.NON_FINITE)
        finished = done >= self.total_steps
        requested = totals.stop_votes > 0 or (self.stop_file is not None and self.stop_file.seen())
        stop, trains = finished or requested or exploded, self.range_test is None
        return StepControl(
            lr=self.schedule.lr(step) if self.range_test is None else self.range_test.lr(step),
            scale=self.config.clip.norm / norm if 0 < self.config.clip.norm < norm < math.inf else 1.0,
            grad_norm=norm,
            apply=apply,
            evaluate=trains and self.evaluates(done),
            checkpoint=trains and (stop or done % self._saves_every == 0),
            stop=stop,
            reason=Reason.EXPLODED if exploded else _reason(finished, requested, apply),
        )

    def _observe(self, step: int, control: StepControl, valid_loss: float) -> StepControl:
        if not self._evaluation_due(step + 1):
            return control
        self.schedule.observe(valid_loss)
        if math.isfinite(valid_loss) and (self.best is None or valid_loss < self.best):
            self.best, self.since_best = valid_loss, 0
            return control
        self.since_best += 1
        if self.out_of_patience and not control.stop:
            return control._replace(stop=True, reason=Reason.PATIENCE)
        return control

    def evaluates(self, done: int) -> bool:
        """Whether there is an evaluation after ``done`` steps; there always is one at the end of the run."""
        return self._evaluation_due(done) or (done >= self.total_steps and self._evaluates_every > 0)

    def _evaluation_due(self, done: int) -> bool:
        every = self._evaluates_every
        return every > 0 and done % every == 0

    def _non_finite(self, totals: Totals, norm: float) -> NonFiniteError:
        late = " of the step before" if self.late else ""
        found = f"loss is {totals.means()['loss']:g}, gradient norm{late} is {norm:g}"
        if totals.buffers_overflow and math.isfinite(totals.loss_sum):
            found += ", but running statistics would no longer be finite"
        skips = (
            f", and so were the {self.config.nonfinite.max_skips - 1} steps before"
            if self.config.nonfinite.action == "skip"
            else ""
        )
        return NonFiniteError(
            f"training: {found}{skips}",
            remedy="Lower --optim.lr, limit the gradient with --clip.norm, or find the operation with --debug.nans.",
        )


_STATE = ("skipped", "skipped_in_a_row", "best", "since_best")


def _reason(finished: bool, requested: bool, apply: bool) -> Reason:
    if finished:
        return Reason.FINISHED
    if requested:
        return Reason.REQUESTED
    return Reason.NONE if apply else Reason.SKIPPED
