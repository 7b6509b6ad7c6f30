"""Softmax and its relatives, shifted by the largest score so that no exponential overflows."""

# M rows (all leading axes), K classes

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.seam import accelerated

Array = NDArray[Any]


def _shifted(x: Array, axis: int, out: Array | None) -> Array:
    if x.shape[axis] == 0:
        return x.copy() if out is None else out
    return np.subtract(x, np.maximum.reduce(x, axis=axis, keepdims=True), out=out)


@accelerated
def softmax(x: Array, axis: int = -1, out: Array | None = None) -> Array:
    """``exp(x) / sum(exp(x))`` along an axis.

    >>> softmax(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    y = _shifted(x, axis, out)
    np.exp(y, out=y)
    y /= np.add.reduce(y, axis=axis, keepdims=True)
    return y


@accelerated
def softmax_backward(g: Array, y: Array, axis: int = -1, out: Array | None = None) -> Array:
    """The cotangent of the scores, ``y * (g - sum(g * y))``, where y is the softmax."""
    dx = np.multiply(g, y, out=out)
    dx -= y * np.add.reduce(dx, axis=axis, keepdims=True)
    return dx


@accelerated
def log_softmax(x: Array, axis: int = -1, out: Array | None = None) -> Array:
    """``x - log(sum(exp(x)))`` along an axis.

    >>> log_softmax(np.array([0.0, -1000.0]))
    array([    0., -1000.])
    """
    y = _shifted(x, axis, out)
    y -= np.log(np.add.reduce(np.exp(y), axis=axis, keepdims=True))
    return y


@accelerated
def log_softmax_backward(g: Array, y: Array, axis: int = -1, out: Array | None = None) -> Array:
    """The cotangent of the scores, ``g - exp(y) * sum(g)``, where y is the log-softmax."""
    total = np.add.reduce(g, axis=axis, keepdims=True)
    dx = np.exp(y, out=out)
    dx *= -total
    dx += g
    return dx


@accelerated
def cross_entropy(logits_MK: Array, labels_M: NDArray[np.integer[Any]]) -> tuple[Array, Array, Array]:
    """The losses, (M,), and what backward needs: the softmax as ``exp(logits - largest)``, (M, K), and its sums, (M,).

    It is not divided by its sums, which would take another pass over it: backward does so in the pass it makes anyway.

    >>> losses, e, sums = cross_entropy(np.zeros((1, 4)), np.array([2]))
    >>> losses, e / sums[:, None]
    (array([1.38629436]), array([[0.25, 0.25, 0.25, 0.25]]))
    """
    e_MK = _shifted(logits_MK, 1, None)
    chosen_M = e_MK[np.arange(len(e_MK)), labels_M]
    np.exp(e_MK, out=e_MK)
    sums_M = np.add.reduce(e_MK, axis=1)
    losses_M = np.log(sums_M)
    losses_M -= chosen_M
    return losses_M, e_MK, sums_M


@accelerated
def cross_entropy_backward(
    g_M: Array, e_MK: Array, sums_M: Array, labels_M: NDArray[np.integer[Any]], out: Array | None = None
) -> Array:
    """The cotangent of the logits: ``g * (softmax - one_hot(label))``, the softmax being ``e / sums``."""
    dx_MK = np.multiply(e_MK, (g_M / sums_M)[:, None], out=out)
    dx_MK[np.arange(len(dx_MK)), labels_M] -= g_M
    return dx_MK
