"""Softmax and its relatives, shifted by the largest score so that no exponential overflows."""

# M rows (all leading axes), K classes

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.seam import accelerated

Array = NDArray[Any]
Labels = NDArray[np.integer[Any]]


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
def cross_entropy(
    logits_MK: Array,
    labels_M: Labels,
    weight_K: Array | None = None,
    ignore_index: int | None = None,
    smoothing: float = 0.0,
) -> tuple[Array, Array, Array]:
    """The losses, (M,), and what backward needs: the softmax as ``exp(logits - largest)``, (M, K), and its sums, (M,).

    It is not divided by its sums, which would take another pass over it: backward does so in the pass it makes anyway.

    Parameters
    ----------
    weight_K : a factor a class, or None for 1
    ignore_index : a label, maybe none of the classes, whose rows have the loss 0
    smoothing : the share of each target that is spread evenly over all classes

    >>> losses, e, sums = cross_entropy(np.zeros((1, 4)), np.array([2]))
    >>> losses, e / sums[:, None]
    (array([1.38629436]), array([[0.25, 0.25, 0.25, 0.25]]))
    """
    e_MK = _shifted(logits_MK, 1, None)
    classes_M, kept_M = _kept(labels_M, ignore_index)
    plain = weight_K is None and not smoothing
    shifted_MK = e_MK[np.arange(len(e_MK)), classes_M] if plain else e_MK.copy()
    np.exp(e_MK, out=e_MK)
    sums_M = np.add.reduce(e_MK, axis=1)
    losses_M = np.log(sums_M)
    if plain:
        losses_M -= shifted_MK
    else:
        q_MK = _targets(e_MK, classes_M, weight_K, smoothing)
        shifted_MK[q_MK == 0] = 0  # a class of score -inf and probability 0 costs 0
        losses_M *= np.add.reduce(q_MK, axis=1)
        losses_M -= np.add.reduce(q_MK * shifted_MK, axis=1)
    if ignore_index is not None:
        losses_M[~kept_M] = 0
    return losses_M, e_MK, sums_M


@accelerated
def cross_entropy_backward(
    g_M: Array,
    e_MK: Array,
    sums_M: Array,
    labels_M: Labels,
    weight_K: Array | None = None,
    ignore_index: int | None = None,
    smoothing: float = 0.0,
    out: Array | None = None,
) -> Array:
    """The cotangent of the logits: ``g * (sum(q) * softmax - q)``, q being the targets and the softmax ``e / sums``."""
    classes_M, kept_M = _kept(labels_M, ignore_index)
    if ignore_index is not None:
        g_M = g_M * kept_M
    if weight_K is None and not smoothing:
        dx_MK: Array = np.multiply(e_MK, (g_M / sums_M)[:, None], out=out)
        dx_MK[np.arange(len(dx_MK)), classes_M] -= g_M
        return dx_MK
    q_MK = _targets(e_MK, classes_M, weight_K, smoothing)
    dx_MK = np.multiply(e_MK, (g_M / sums_M * np.add.reduce(q_MK, axis=1))[:, None], out=out)
    q_MK *= g_M[:, None]
    dx_MK -= q_MK
    return dx_MK


def _kept(labels_M: Labels, ignore_index: int | None) -> tuple[Labels, NDArray[np.bool_]]:
    """The labels, with 0 for those that are ignored, and which are not."""
    kept_M = np.ones(labels_M.shape, bool) if ignore_index is None else labels_M != ignore_index
    return np.where(kept_M, labels_M, np.zeros_like(labels_M)), kept_M


def _targets(like_MK: Array, classes_M: Labels, weight_K: Array | None, smoothing: float) -> Array:
    """The smoothed probabilities of the classes, times their weights."""
    q_MK = np.full(like_MK.shape, smoothing / like_MK.shape[1], like_MK.dtype)
    q_MK[np.arange(len(q_MK)), classes_M] += 1.0 - smoothing
    if weight_K is not None:
        q_MK *= weight_K
    return q_MK
