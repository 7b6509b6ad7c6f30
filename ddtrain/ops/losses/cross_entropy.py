"""Softmax cross-entropy: with labels or soft targets, smoothed, weighted by class, with a label that is left out.

With labels it is one fused step of the trace; with soft targets it is composed of the fused log-softmax.
"""

# N samples (or any leading axes), M all of them in one row, K classes

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as onp

import ddtrain.numpy as np
from ddtrain.autodiff import Array, fused
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import ShapeError, UsageError
from ddtrain.kernels import softmax as kernel
from ddtrain.ops.losses.common import check_labels, check_option, check_soft, flat_rows, is_soft, one_hot
from ddtrain.ops.losses.protocol import Loss
from ddtrain.ops.softmax import log_softmax
from ddtrain.parts import Range, register


def _of_labels(
    logits: Any, labels: Any, weight_K: Any = None, ignore_index: int | None = None, smoothing: float = 0.0
) -> Any:
    """Negative log-likelihood of each label: :func:`cross_entropy` of labels, with weights of the scores' dtype."""
    classes, kept = _kept(labels, ignore_index)
    if weight_K is not None and logits.dtype.kind == "f":
        weight_K = weight_K.astype(logits.dtype)
    if smoothing:
        targets_NK = one_hot(classes, logits.shape[-1], logits.dtype)
        return np.where(kept, _of_distributions(logits, targets_NK, weight_K, smoothing), 0.0)
    flat, classes, rows = flat_rows(logits, classes)
    picked = np.ravel(log_softmax(flat))[rows * flat.shape[-1] + classes]  # by one array, which a plan may record
    losses = np.reshape(-picked, labels.shape)
    if weight_K is not None:
        losses = losses * weight_K[classes].reshape(labels.shape)
    return losses if ignore_index is None else np.where(kept, losses, 0.0)


def _kept(labels: Any, ignore_index: int | None) -> tuple[Any, Any]:
    """The labels, with 0 for those that are ignored, and which are not."""
    kept = True if ignore_index is None else labels != ignore_index
    return labels if ignore_index is None else onp.where(kept, labels, onp.zeros_like(labels)), kept


def _forward(
    logits: Any, labels: Any, weight_K: Any = None, ignore_index: int | None = None, smoothing: float = 0.0
) -> tuple[Any, Any]:
    if logits.ndim == 2:
        losses, e, sums = kernel.cross_entropy(logits, labels, weight_K, ignore_index, smoothing)
        return losses, (e, sums)
    flat, flat_labels, _ = flat_rows(logits, labels)
    losses, e, sums = kernel.cross_entropy(flat, flat_labels, weight_K, ignore_index, smoothing)
    return losses.reshape(labels.shape), (e, sums)


def _backward(needs: tuple[int, ...], g: Any, saved: Any, logits: Any, labels: Any, *options: Any) -> list[Any]:
    e, sums = saved
    if logits.ndim == 2:
        return [kernel.cross_entropy_backward(g, e, sums, labels, *options)]
    flat = kernel.cross_entropy_backward(g.reshape(len(e)), e, sums, labels.reshape(len(e)), *options)
    return [flat.reshape(logits.shape)]


_fused = fused(
    _of_labels,
    _forward,
    _backward,
    mixed=1,
    name="cross_entropy",
    examples=lambda r: [
        case(r(4, 3), r.integers(3, 4)),
        case(r(2, 2, 3), r.integers(3, 2, 2)),
        case(r(4, 3), r.integers(3, 4), r(3) ** 2, 1, 0.2, argnums=(0,)),
        case(r(4, 3), r.integers(3, 4), None, 2, argnums=(0,)),
    ],
)


def cross_entropy_of_labels(
    logits: Array, labels: Any, weight_K: Any = None, ignore_index: int | None = None, smoothing: float = 0.0
) -> Array:
    """:func:`cross_entropy` of labels, with weights of the scores' dtype."""
    check_labels("cross_entropy", logits, labels, ignore_index)
    return _fused(logits, labels, weight_K, ignore_index, smoothing)


def cross_entropy(
    logits: Array,
    targets: Array,
    weight: Array = None,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> Array:
    """Negative log-likelihood of each target, from unnormalised scores.

    ``-sum over k of weight[k] · q[k] · log softmax(logits)[k]``, with q one at the label or the soft targets, and
    smoothed to ``(1 - label_smoothing) · q + label_smoothing / K``.

    Parameters
    ----------
    logits : (N, K), any real numbers; further leading axes are allowed
    targets : labels (N,), integer classes in [0, K); or soft targets (N, K), probabilities of the classes
    weight : (K,), one factor a class
    ignore_index : a label, usually none of the classes, whose samples have the loss 0
    label_smoothing : in [0, 1], the share of each target that is spread evenly over all classes

    Returns
    -------
    (N,) losses in nats, not averaged: the trainer weights by the global count.

    Raises
    ------
    ShapeError : a label outside [0, K), naming its position; soft targets that do not sum to one; labels that are no
        integers, or too many or too few; weights that are not one a class
    UsageError : a label smoothing outside [0, 1], or a label to ignore among soft targets

    Notes
    -----
    The losses of single samples are PyTorch's, with ``reduction="none"``. PyTorch's *mean* divides by the weights of
    the labels that are there, and does not count ignored ones. The trainer divides by the number of samples: what is
    ignored counts as a sample without loss, and weights whose mean over the samples is 1 keep the scale
    (``ddtrain.data.class_weights``).

    References
    ----------
    Label smoothing: Szegedy et al. (2015), "Rethinking the Inception Architecture", arXiv:1512.00567, section 7.

    Examples
    --------
    >>> cross_entropy(np.zeros((1, 4)), np.array([2]))
    array([1.38629436])
    >>> cross_entropy(np.log(np.array([[0.5, 0.5], [0.8, 0.2]])), np.array([-1, 0]), ignore_index=-1)
    array([0.        , 0.22314355])
    """
    logits, targets = (x if hasattr(x, "ndim") else np.array(x) for x in (logits, targets))
    soft = is_soft(logits, targets)
    if weight is None and ignore_index is None and not label_smoothing and not soft:
        return cross_entropy_of_labels(logits, targets)
    check_option("cross_entropy", "label_smoothing", label_smoothing, 0 <= label_smoothing <= 1, "a number in [0, 1]")
    weight_K = None if weight is None else _checked_weights(weight, logits)
    if soft:
        if ignore_index is not None:
            raise UsageError(
                f"cross_entropy: soft targets have no label {ignore_index} to ignore", remedy="Leave ignore_index out."
            )
        check_soft("cross_entropy", logits, targets)
        return _of_distributions(logits, targets.astype(logits.dtype), weight_K, label_smoothing)
    return cross_entropy_of_labels(logits, targets, weight_K, ignore_index, label_smoothing)


def _checked_weights(weight: Any, logits: Any) -> Any:
    weight_K = onp.asarray(weight, logits.dtype)
    if weight_K.shape != logits.shape[-1:]:
        raise ShapeError(
            f"cross_entropy: weight has shape {weight_K.shape} but the scores have shape {logits.shape}",
            remedy="Give one weight a class, the last axis of the scores.",
        )
    return weight_K


def _of_distributions(logits: Any, targets_NK: Any, weight_K: Any, smoothing: float) -> Any:
    if smoothing:
        targets_NK = (1.0 - smoothing) * targets_NK + smoothing / logits.shape[-1]
    if weight_K is not None:
        targets_NK = targets_NK * weight_K
    possible = np.where(targets_NK == 0, 0.0, log_softmax(logits))  # a class of score -inf and probability 0 costs 0
    return -np.sum(targets_NK * possible, axis=-1)


@register
@dataclass(frozen=True)
class CrossEntropy(Loss):
    """Softmax cross-entropy of labels or soft targets: :func:`cross_entropy`.

    Examples
    --------
    >>> CrossEntropy(label_smoothing=0.1)(np.zeros((1, 4)), np.array([2]))
    array([1.38629436])
    """

    name: str = "cross_entropy"
    """What is minimised."""
    weight: tuple[float, ...] = ()
    """One factor a class; empty: all alike."""
    ignore_index: int = -100
    """Samples with this label have no loss; PyTorch's default."""
    label_smoothing: float = 0.0
    """The share of each target that is spread evenly over all classes."""

    def __call__(self, outputs: Array, targets: Array) -> Array:
        ignore_index = None if is_soft(outputs, targets) else self.ignore_index
        return cross_entropy(outputs, targets, self.weight or None, ignore_index, self.label_smoothing)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "weight", all(0 <= w < float("inf") for w in self.weight), "finite numbers, 0 or more"
        yield "label_smoothing", 0 <= self.label_smoothing <= 1, "a number in [0, 1]"
