"""Hinge losses of support vector machines: two classes, and two ways to have more."""

# N samples (or any leading axes), K classes

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as onp

import ddtrain.numpy as np
from ddtrain.autodiff import Array
from ddtrain.ops.losses.common import (
    check_labels,
    check_option,
    check_signs,
    flat_rows,
    mean_over_features,
    positive_part,
)
from ddtrain.ops.losses.protocol import MarginLoss
from ddtrain.parts import register


def binary_hinge(scores: Array, signs: Array, margin: float = 1.0) -> Array:
    """``max(0, margin - y · s)`` of scores s and labels y of -1 and 1; the mean over features.

    Parameters
    ----------
    scores : (N, ...)
    signs : of the same shape, -1 and 1
    margin : how far on the right side a score must be to cost nothing

    Returns
    -------
    (N,) losses, not averaged over samples.

    Raises
    ------
    ShapeError : other shapes, or a label that is neither -1 nor 1, naming its position
    UsageError : a ``margin`` that is not above 0

    Examples
    --------
    >>> binary_hinge(np.array([2.0, 0.5, 0.5]), np.array([1, 1, -1]))
    array([0. , 0.5, 1.5])
    """
    y = check_signs("binary_hinge", scores, signs)
    _check_margin("binary_hinge", margin)
    return mean_over_features(positive_part(margin - y * scores))


def hinge(scores: Array, labels: Array, margin: float = 1.0) -> Array:
    """How far other classes come within a margin of the right one, summed over classes, for each sample.

    ``sum over k != label of max(0, margin + scores[k] - scores[label])``, the multi-class loss of Weston and Watkins
    (1999), and what lectures on support vector machines mean by it.

    Parameters
    ----------
    scores : (N, K); further leading axes are allowed
    labels : (N,), integer classes in [0, K)
    margin : by how much the right class must lead to cost nothing

    Returns
    -------
    (N,) losses, not averaged; PyTorch's ``multi_margin_loss`` divides them by K.

    Raises
    ------
    ShapeError : a label outside [0, K), naming its position; labels that are no integers, or too many or too few
    UsageError : a ``margin`` that is not above 0

    Examples
    --------
    >>> hinge(np.array([[2.0, 1.5, 0.0]]), np.array([0]))
    array([0.5])
    """
    margins, others = _margins("hinge", scores, labels, margin)
    return np.reshape(np.sum(positive_part(margins) * others, axis=1), labels.shape)


def crammer_singer(scores: Array, labels: Array, margin: float = 1.0) -> Array:
    """How far the best of the other classes comes within a margin of the right one, for each sample.

    ``max(0, margin + max over k != label of scores[k] - scores[label])``: of :func:`hinge` the largest term alone.

    Parameters
    ----------
    scores : (N, K); further leading axes are allowed
    labels : (N,), integer classes in [0, K)
    margin : by how much the right class must lead to cost nothing

    Returns
    -------
    (N,) losses, not averaged.

    Raises
    ------
    ShapeError : a label outside [0, K), naming its position; labels that are no integers, or too many or too few
    UsageError : a ``margin`` that is not above 0

    References
    ----------
    Crammer, Singer (2001), "On the algorithmic implementation of multiclass kernel-based vector machines".

    Examples
    --------
    >>> crammer_singer(np.array([[2.0, 1.5, 1.25]]), np.array([0])), hinge(np.array([[2.0, 1.5, 1.25]]), np.array([0]))
    (array([0.5]), array([0.75]))
    """
    margins, others = _margins("crammer_singer", scores, labels, margin)
    return np.reshape(np.max(positive_part(margins) * others, axis=1), labels.shape)


def _margins(op: str, scores: Any, labels: Any, margin: float) -> tuple[Any, Any]:
    """By how much each class comes within the margin, (M, K), and 1 for all but the right one."""
    check_labels(op, scores, labels)
    _check_margin(op, margin)
    flat, classes, rows = flat_rows(scores, labels)
    others = onp.ones(flat.shape, flat.dtype)
    others[rows, classes] = 0
    return margin + flat - flat[rows, classes][:, None], others


def _check_margin(op: str, margin: float) -> None:
    check_option(op, "margin", margin, margin > 0, "a number above 0")


@register
@dataclass(frozen=True)
class BinaryHinge(MarginLoss):
    """A support vector machine's, of labels -1 and 1: :func:`binary_hinge`.

    Examples
    --------
    >>> BinaryHinge()(np.array([0.25]), np.array([1]))
    array([0.75])
    """

    of_labels = "signs"
    name: str = "binary_hinge"
    """What is minimised."""

    def __call__(self, outputs: Array, targets: Array) -> Array:
        return binary_hinge(outputs, targets, self.margin)


@register
@dataclass(frozen=True)
class Hinge(MarginLoss):
    """All classes within a margin of the right one: :func:`hinge`.

    Examples
    --------
    >>> Hinge()(np.array([[2.0, 1.5, 1.25]]), np.array([0]))
    array([0.75])
    """

    name: str = "hinge"
    """What is minimised."""

    def __call__(self, outputs: Array, targets: Array) -> Array:
        return hinge(outputs, targets, self.margin)


@register
@dataclass(frozen=True)
class CrammerSinger(MarginLoss):
    """The best wrong class within a margin of the right one: :func:`crammer_singer`.

    Examples
    --------
    >>> CrammerSinger()(np.array([[2.0, 1.5, 1.25]]), np.array([0]))
    array([0.5])
    """

    name: str = "crammer_singer"
    """What is minimised."""

    def __call__(self, outputs: Array, targets: Array) -> Array:
        return crammer_singer(outputs, targets, self.margin)
