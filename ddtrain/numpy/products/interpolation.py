"""Linear interpolation, differentiable in the point, the coordinates and the samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.autodiff import Array, value_of
from ddtrain.numpy.elementwise.arithmetic import remainder
from ddtrain.numpy.elementwise.choices import where
from ddtrain.numpy.elementwise.comparisons import argsort, isfinite, searchsorted
from ddtrain.numpy.manipulation.joining import asarray, concatenate

__all__ = ["interp"]


def interp(x: Array, xp: Array, fp: Array, left: Any = None, right: Any = None, period: float | None = None) -> Array:
    """The straight lines through points (xp, fp), at ``x``.

    Parameters
    ----------
    xp : coordinates in ascending order; any order, with a period
    left, right : values beyond the first and the last point, by default those of the points
    period : of the function; ``left`` and ``right`` are then not read

    >>> interp(0.25, np.array([0.0, 1.0]), np.array([0.0, 8.0]))
    np.float64(2.0)
    """
    x, xp, fp = (asarray(a) for a in (x, xp, fp))
    x, xp = x.astype(np.float64), xp.astype(np.float64)  # NumPy always interpolates in float64
    fp = fp.astype(np.complex128 if fp.dtype.kind == "c" else np.float64)
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ValueError(f"interp: coordinates {xp.shape} and samples {fp.shape} must be vectors of one length, not 0")
    if period is not None:
        if period == 0:
            raise ValueError("interp: the period is 0")
        period = np.abs(period)
        x, xp = remainder(x, period), remainder(xp, period)
        order = argsort(xp)
        xp, fp = xp[order], fp[order]
        xp = concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = concatenate([fp[-1:], fp, fp[:1]])
        left = right = None
    if xp.size == 1:
        inside = fp[0] + 0.0 * x
    else:
        i = np.clip(searchsorted(xp, value_of(x), side="right") - 1, 0, xp.size - 2)
        width = xp[i + 1] - xp[i]
        slope = (fp[i + 1] - fp[i]) / where(width == 0, 1.0, width)
        inside = slope * (x - xp[i]) + fp[i]
        # infinity times 0 would give NaN exactly at a point
        inside = where((x == xp[i]) & ~isfinite(inside), fp[i], inside)
    below = where(x < xp[0], fp[0] if left is None else left, inside)
    return where(x > xp[-1], fp[-1] if right is None else right, below)[()]
