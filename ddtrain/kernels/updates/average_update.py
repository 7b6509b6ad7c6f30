"""Averages of the parameter vector over the steps of a run, in place, a piece at a time."""

from __future__ import annotations

import numpy as np

from ddtrain.kernels.seam import accelerated
from ddtrain.kernels.updates.optimizer_update import PIECE, Array, pieces
from ddtrain.kernels.workspace import scratch


@accelerated
def blend_(average: Array, values: Array, keep: float) -> None:
    """``average = keep * average + (1 - keep) * values``, in place on ``average``; with ``keep`` 0 a copy, bit for bit.

    Parameters
    ----------
    average, values : (n,) of one dtype
    keep : the weight of what is there already, from 0 to 1

    >>> average = np.array([1.0, 2.0])
    >>> blend_(average, np.array([3.0, 4.0]), keep=0.75)
    >>> average
    array([1.5, 2.5])
    """
    if keep == 0.0:
        average[...] = values  # whatever was there, be it NaN
        return
    work = scratch("update.step", (min(PIECE, len(values)),), values.dtype)
    for old, new in pieces(average, values):
        old *= keep
        old += np.multiply(new, 1.0 - keep, out=work[: len(new)])
