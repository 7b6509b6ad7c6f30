"""How often each class occurs, and weights that make up for it."""

# N samples, K classes

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.errors import DataError


def class_counts(labels: NDArray[np.integer[Any]], classes: int = 0) -> NDArray[np.int64]:
    """How many samples each class has, (K,).

    Parameters
    ----------
    labels : (N,), integer classes counted from 0
    classes : K; 0: one more than the largest label

    Raises
    ------
    DataError : labels that are no integers, or outside the classes

    >>> class_counts(np.array([0, 2, 2]))
    array([1, 0, 2])
    """
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise DataError(
            f"class_counts: labels are an array of {labels.dtype} and shape {labels.shape}",
            remedy="Give integer classes, (N,).",
        )
    if labels.size and (labels.min() < 0 or (classes and labels.max() >= classes)):
        wrong = labels[(labels < 0) | (labels >= (classes or labels.max() + 1))]
        bound = classes or "K"
        raise DataError(
            f"class_counts: label {wrong[0]} is outside [0, {bound}) ({len(wrong)} of {len(labels)} are)",
            remedy="Labels are classes counted from 0.",
        )
    return np.bincount(labels, minlength=classes).astype(np.int64)


def class_weights(labels: NDArray[np.integer[Any]], classes: int = 0) -> NDArray[np.float64]:
    """One weight a class, by which all classes count alike: N / (K · the class's samples).

    Their mean over the samples is 1, so a loss weighted by them (``cross_entropy(..., weight=...)``) keeps its scale.

    Parameters
    ----------
    labels, classes : as in :func:`class_counts`

    Raises
    ------
    DataError : a class without samples, or labels that are none

    >>> class_weights(np.array([0, 1, 1, 1]))
    array([2.        , 0.66666667])
    """
    counts_K = class_counts(labels, classes)
    if not len(counts_K) or not counts_K.all():
        empty = int(np.flatnonzero(counts_K == 0)[0]) if len(counts_K) else 0
        raise DataError(
            f"class_weights: class {empty} has no samples", remedy="It would weigh infinitely: leave such classes out."
        )
    return len(labels) / (len(counts_K) * counts_K)
