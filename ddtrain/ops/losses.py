"""Losses, one value a sample: the trainer weights them by the global count. And the count of correct answers."""

# N samples (or any leading axes), K classes, D features

from __future__ import annotations

import math
from typing import Any

import numpy as onp

import ddtrain.numpy as np
from ddtrain.autodiff import fused, nondifferentiable
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import ShapeError
from ddtrain.kernels import softmax as kernel
from ddtrain.ops.argument_checks import check_indices
from ddtrain.ops.softmax import log_softmax

_RANGE = "Labels are classes counted from 0: is the last layer as wide as there are classes?"


def _check_labels(op: str, scores: Any, labels: Any) -> None:
    if scores.ndim == 0 or scores.shape[:-1] != labels.shape:
        raise ShapeError(
            f"{op}: scores have shape {scores.shape} but labels have shape {labels.shape}",
            remedy="Labels have the shape of the scores without its last axis, the classes.",
        )
    check_indices(op, "label", "labels", labels, scores.shape[-1], _RANGE)


def _flat(scores: Any, labels: Any) -> tuple[Any, Any, Any]:
    """Scores as (M, K), labels as (M,), and 0..M-1."""
    rows = math.prod(labels.shape)
    return np.reshape(scores, (rows, scores.shape[-1])), labels.reshape(rows), onp.arange(rows)


def _cross_entropy(logits: Any, labels: Any) -> Any:
    """Negative log-likelihood of each label, from unnormalised scores.

    Parameters
    ----------
    logits : (N, K), any real numbers; further leading axes are allowed
    labels : (N,), integer classes in [0, K)

    Returns
    -------
    (N,) losses in nats, not averaged: the trainer weights by the global count.

    Raises
    ------
    ShapeError : a label outside [0, K), naming its position; labels that are no integers, or too many or too few

    >>> cross_entropy(np.zeros((1, 4)), np.array([2]))
    array([1.38629436])
    """
    _check_labels("cross_entropy", logits, labels)
    flat, classes, rows = _flat(logits, labels)
    return np.reshape(-log_softmax(flat)[rows, classes], labels.shape)


def _cross_entropy_forward(logits: Any, labels: Any) -> tuple[Any, Any]:
    _check_labels("cross_entropy", logits, labels)
    if logits.ndim == 2:
        return kernel.cross_entropy(logits, labels)
    losses, probabilities = kernel.cross_entropy(*_flat(logits, labels)[:2])
    return losses.reshape(labels.shape), probabilities


def _cross_entropy_backward(needs: tuple[int, ...], g: Any, saved: Any, logits: Any, labels: Any) -> list[Any]:
    flat = kernel.cross_entropy_backward(g.reshape(len(saved)), saved, labels.reshape(len(saved)))
    return [flat.reshape(logits.shape)]


cross_entropy = fused(
    _cross_entropy,
    _cross_entropy_forward,
    _cross_entropy_backward,
    mixed=1,
    name="cross_entropy",
    examples=lambda r: [case(r(4, 3), r.integers(3, 4)), case(r(2, 2, 3), r.integers(3, 2, 2))],
)


def squared_error(prediction: Any, target: Any) -> Any:
    """The mean over features of the squared difference, for each sample.

    Parameters
    ----------
    prediction, target : (N, ...), of the same shape; all axes but the first are features

    Returns
    -------
    (N,) losses, not averaged over samples.

    >>> squared_error(np.array([[1.0, 2.0]]), np.array([[1.0, 4.0]]))
    array([2.])
    """
    if prediction.shape != target.shape or prediction.ndim == 0:
        raise ShapeError(
            f"squared_error: prediction has shape {prediction.shape} but target has shape {target.shape}",
            remedy="Both are (N, ...): (N,) beside (N, 1) would compare every sample with every other.",
        )
    difference = prediction - target
    return np.mean(difference * difference, axis=tuple(range(1, difference.ndim)))


def hinge(scores: Any, labels: Any) -> Any:
    """How far other classes come within a margin of 1 of the right one, summed over classes, for each sample.

    ``sum over k != label of max(0, 1 + scores[k] - scores[label])``, the multi-class loss of Weston and Watkins (1999).

    Parameters
    ----------
    scores : (N, K)
    labels : (N,), integer classes in [0, K)

    Returns
    -------
    (N,) losses, not averaged.

    >>> hinge(np.array([[2.0, 1.5, 0.0]]), np.array([0]))
    array([0.5])
    """
    _check_labels("hinge", scores, labels)
    flat, classes, rows = _flat(scores, labels)
    right = flat[rows, classes]
    margins = 1.0 + flat - right[:, None]
    others = onp.ones(flat.shape, flat.dtype)
    others[rows, classes] = 0
    return np.reshape(np.sum(np.where(margins <= 0, 0.0, margins) * others, axis=1), labels.shape)


def _correct(scores: Any, labels: Any) -> Any:
    """1 where the label's score is the largest (the first, among equals), else 0; in the scores' dtype.

    >>> correct(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    array([1., 0.])
    """
    _check_labels("correct", scores, labels)
    return (onp.argmax(scores, axis=-1) == labels).astype(scores.dtype)


correct = nondifferentiable(_correct, name="correct", examples=lambda r: [case(r(4, 3), r.integers(3, 4))])
