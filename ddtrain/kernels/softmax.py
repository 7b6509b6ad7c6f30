"""Softmax and its relatives, shifted by the largest score so that no exponential overflows."""

# M rows (all leading axes), K classes

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def _shifted(x: Array, axis: int, out: Array | None) -> Array:
    if x.shape[axis] == 0:
        return x.copy() if out is None else out
    return np.subtract(x, np.maximum.reduce(x, axis=axis, keepdims=True), out=out)


def softmax(x: Array, axis: int = -1, out: Array | None = None) -> Array:
    """``exp(x) / sum(exp(x))`` along an axis.

    >>> softmax(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    y = _shifted(x, axis, out)
    np.exp(y, out=y)
    y /= np.add.reduce(y, axis=axis, keepdims=True)
    return y


def softmax_backward(g: Array, y: Array, axis: int = -1, out: Array | None = None) -> Array:
    """The cotangent of the scores, ``y * (g - sum(g * y))``, where y is the softmax."""
    dx = np.multiply(g, y, out=out)
    dx -= y * np.add.reduce(dx, axis=axis, keepdims=True)
    return dx


def log_softmax(x: Array, axis: int = -1, out: Array | None = None) -> Array:
    """``x - log(sum(exp(x)))`` along an axis.

    >>> log_softmax(np.array([0.0, -1000.0]))
    array([    0., -1000.])
    """
    y = _shifted(x, axis, out)
    y -= np.log(np.add.reduce(np.exp(y), axis=axis, keepdims=True))
    return y


def log_softmax_backward(g: Array, y: Array, axis: int = -1, out: Array | None = None) -> Array:
    """The cotangent of the scores, ``g - exp(y) * sum(g)``, where y is the log-softmax."""
    total = np.add.reduce(g, axis=axis, keepdims=True)
    dx = np.exp(y, out=out)
    dx *= -total
    dx += g
    return dx


def cross_entropy(logits_MK: Array, labels_M: NDArray[np.integer[Any]]) -> tuple[Array, Array]:
    """The losses, (M,), and the softmax, (M, K), which backward needs.

    >>> cross_entropy(np.zeros((1, 4)), np.array([2]))[0]
    array([1.38629436])
    """
    y = _shifted(logits_MK, 1, None)
    rows = np.arange(len(y))
    chosen_M = y[rows, labels_M]
    np.exp(y, out=y)
    total_M = np.add.reduce(y, axis=1)
    losses_M = np.log(total_M)
    losses_M -= chosen_M
    y /= total_M[:, None]
    return losses_M, y


def cross_entropy_backward(
    g_M: Array, probabilities_MK: Array, labels_M: NDArray[np.integer[Any]], out: Array | None = None
) -> Array:
    """The cotangent of the logits: ``g * (softmax - one_hot(label))``."""
    dx_MK = np.multiply(probabilities_MK, g_M[:, None], out=out)
    dx_MK[np.arange(len(dx_MK)), labels_M] -= g_M
    return dx_MK
