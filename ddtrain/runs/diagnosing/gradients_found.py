"""A run's gradient at a checkpoint against finite differences of its loss, as ``--debug.check-gradients-every``."""

from __future__ import annotations

from dataclasses import dataclass

from ddtrain.diagnose.check_gradients import GradientCheck, check_gradients
from ddtrain.errors import UsageError
from ddtrain.runs.diagnosing.opened import OpenedRun


@dataclass(frozen=True)
class GradientsFound:
    """What :func:`gradients` has found; ``print`` shows it.

    Attributes
    ----------
    checkpoint : its directory
    checks : of each batch, by the number of the step that it is of, counted from 1
    """

    checkpoint: str
    checks: dict[int, GradientCheck]

    def __str__(self) -> str:
        lines = [f"step {step}: {check if check.weights else _UNTRIED}" for step, check in self.checks.items()]
        return "\n".join([f"{self.checkpoint}: the backward pass against finite differences, in float64", *lines])


_UNTRIED = "not tried, as the loss or its gradient is not finite"


def gradients(opened: OpenedRun, checkpoint: str = "best", batches: int = 1) -> GradientsFound:
    """Check the gradients of the batches after a checkpoint. Collective.

    Parameters
    ----------
    checkpoint : best, last, or a path
    batches : how many

    Raises
    ------
    UsageError : on all ranks: ``batches`` is out of range
    CheckpointError : on all ranks: there is none, it is damaged, or of another model
    GradientError : on all ranks: a derivative is wrong; names the parameter and its place
    """
    if batches < 1:
        raise UsageError(f"--batches {batches} is out of range", remedy="Give 1 or more.")
    point = opened.point(checkpoint)
    opened.stand_at(point)
    first = point.snapshot.step
    steps = range(first, first + batches)
    checks = {step + 1: check_gradients(opened.train_step, step, opened.rows_of(step)) for step in steps}
    return GradientsFound(str(point.path), checks)
