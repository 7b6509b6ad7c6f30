"""Rank 0's decision after a step's reduction: eight numbers, broadcast as one vector."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ddtrain.errors import COMPLETED, StoppedError


class Reason(IntEnum):
    """Why a control stops the run or skips the step; ``NONE`` if it does neither.

    >>> Reason.PATIENCE.text, Reason.REQUESTED.exit_code
    ('validation loss no longer improves', 75)
    """

    NONE = 0
    FINISHED = 1
    PATIENCE = 2
    REQUESTED = 3
    SKIPPED = 4
    NON_FINITE = 5
    EXPLODED = 6

    @property
    def text(self) -> str:
        """The reason in words, for the status file and the console."""
        return _TEXTS[self]

    @property
    def exit_code(self) -> int:
        """The exit code of a run that stops for this reason."""
        return StoppedError.exit_code if self is Reason.REQUESTED else COMPLETED


_TEXTS = {
    Reason.NONE: "",
    Reason.FINISHED: "all steps done",
    Reason.PATIENCE: "validation loss no longer improves",
    Reason.REQUESTED: "stopped on request",
    Reason.SKIPPED: "step skipped: loss or gradient is not finite",
    Reason.NON_FINITE: "loss or gradient is not finite",
    Reason.EXPLODED: "the loss explodes, which ends a test of learning rates",
}


class StepControl(NamedTuple):
    """What every rank does after a step's reduction.

    Attributes
    ----------
    lr : learning rate of this update
    scale : factor of the gradient, 1 or less, that limits its global norm. A limit by value is not in here: the step
        applies it to each element after this factor
    grad_norm : global norm of the reduced gradient, before clipping
    apply : update parameters and buffers; False leaves everything as it was
    evaluate, checkpoint, stop : what follows the update; a checkpoint is also saved before each evaluation
    reason : why the run stops or the step is skipped

    >>> control = StepControl(lr=0.1, scale=1.0, grad_norm=2.0)
    >>> StepControl.unpack(control.pack()) == control
    True
    """

    lr: float
    scale: float
    grad_norm: float
    apply: bool = True
    evaluate: bool = False
    checkpoint: bool = False
    stop: bool = False
    reason: Reason = Reason.NONE

    def pack(self) -> NDArray[np.float64]:
        """As a float64 vector."""
        return np.array(self, np.float64)

    @classmethod
    def unpack(cls, vector: NDArray[np.float64]) -> StepControl:
        """From a float64 vector."""
        lr, scale, grad_norm, apply, evaluate, checkpoint, stop, reason = vector.tolist()
        return cls(lr, scale, grad_norm, bool(apply), bool(evaluate), bool(checkpoint), bool(stop), Reason(int(reason)))
