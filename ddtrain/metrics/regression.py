"""Figures of numbers that were predicted."""

# N samples, M numbers of each

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.errors import ShapeError


def r2(outputs: Any, targets: Any) -> float:
    """The coefficient of determination: the share of the targets' variance that the outputs explain.

    Parameters
    ----------
    outputs, targets : (N,) or (N, M), (N, 1) counting as (N,); of several numbers the mean over them

    Returns
    -------
    ``1 - sum((targets - outputs)²) / sum((targets - mean)²)``; of targets that do not vary, 1 if all are met, else 0

    Raises
    ------
    ShapeError : outputs and targets have different shapes

    Notes
    -----
    scikit-learn's ``r2_score``, also where targets do not vary.

    >>> r2([2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0])
    0.9486081370449679
    """
    given, wanted = (np.asarray(x, np.float64) for x in (outputs, targets))
    given_NM, wanted_NM = (x.reshape(len(x), -1) if x.ndim and x.size else x.reshape(0, 1) for x in (given, wanted))
    if given_NM.shape != wanted_NM.shape:
        raise ShapeError(
            f"r2: outputs of shape {given.shape} and targets of shape {wanted.shape}", remedy="Give one a target."
        )
    if not len(given_NM):
        return float("nan")
    left_M = ((wanted_NM - given_NM) ** 2).sum(axis=0)
    whole_M = ((wanted_NM - wanted_NM.mean(axis=0)) ** 2).sum(axis=0)
    explained_M = 1 - np.divide(left_M, whole_M, out=(left_M > 0).astype(np.float64), where=whole_M > 0)
    return float(explained_M.mean())
