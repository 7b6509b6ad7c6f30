"""Soft thresholding: the proximal step of an L1 penalty, in place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def soft_threshold_(x: NDArray[Any], threshold: float | NDArray[Any], work: NDArray[Any]) -> None:
    """``sign(x) * max(|x| - threshold, 0)``, in place; what is no larger than its threshold becomes exactly 0.

    It is the x that minimises ``threshold * |x| + (x - x_before)² / 2``: the proximal step of an L1 penalty.

    Parameters
    ----------
    threshold : 0 or more, one for all entries or one each
    work : as long as ``x``, to be overwritten

    References
    ----------
    Parikh, Boyd (2014), "Proximal algorithms", section 6.5.2.

    >>> x = np.array([3.0, -0.5, -2.0])
    >>> soft_threshold_(x, 1.0, np.empty(3))
    >>> x
    array([ 2.,  0., -1.])
    """
    np.negative(threshold, out=work)
    np.clip(x, work, threshold, out=work)
    x -= work  # x - x is 0, with no rounding
