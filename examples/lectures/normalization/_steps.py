"""How many steps a run has needed: until the mean training loss of its latest twenty steps is below a target."""

from __future__ import annotations

from typing import Any

import numpy as np

import ddtrain

Array = np.ndarray[Any, Any]
MEAN_OF = 20  # steps


def mean_loss(run: ddtrain.Run | None, steps: int) -> Array:
    """The mean training loss of the latest steps, from the first step on that has as many behind it; infinite where the
    run diverged.
    """
    if run is None:
        return np.full(steps - MEAN_OF + 1, np.inf)
    return np.convolve(run.history["loss"], np.full(MEAN_OF, 1 / MEAN_OF), "valid")


def steps_until(losses: Array, target: float) -> float:
    """Steps until the mean loss is below the target; infinite if it never is."""
    below = np.flatnonzero(losses < target)
    return float(below[0] + MEAN_OF) if len(below) else np.inf


def slowness(losses: Array, target: float) -> float:
    """What a search for the fewest steps lowers: the steps, or if they were too few, more, by the loss at the end."""
    reached = steps_until(losses, target)
    return reached if np.isfinite(reached) else 1e4 * (1 + float(losses[-1]))
