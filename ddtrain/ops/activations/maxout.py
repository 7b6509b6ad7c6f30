"""Maxout: the largest of several linear maps."""

# P pieces, K features out

from __future__ import annotations

import ddtrain.numpy as np
from ddtrain.autodiff import Array
from ddtrain.errors import ShapeError, UsageError
from ddtrain.ops.argument_checks import number


def maxout(x: Array, pieces: int) -> Array:
    """The largest of each ``pieces`` neighbours along the last axis: (..., K * P) to (..., K).

    Equal largest entries share the derivative.

    Raises
    ------
    UsageError : pieces is no integer of at least 1
    ShapeError : pieces do not divide the last axis

    References
    ----------
    Goodfellow, Warde-Farley, Mirza, Courville, Bengio (2013), "Maxout networks", arXiv:1302.4389.

    >>> maxout(np.array([[1.0, 5.0, -2.0, -3.0]]), 2)
    array([[ 5., -2.]])
    """
    pieces = number(pieces, "maxout", "pieces", 1, UsageError)
    if x.ndim == 0 or x.shape[-1] % pieces:
        raise ShapeError(f"maxout: {pieces} pieces do not divide the last axis of x {x.shape}")
    return np.max(np.reshape(x, (*x.shape[:-1], x.shape[-1] // pieces, pieces)), axis=-1)
