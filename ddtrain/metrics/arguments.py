"""What figures are given, checked: scores or predicted classes, and the classes that are right."""

# N samples, K classes

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.errors import ShapeError

Array = NDArray[Any]


def labels_of(op: str, labels: Any, n: int) -> NDArray[np.int64]:
    """Labels as integers, one a sample.

    Raises
    ------
    ShapeError : they are not
    """
    labels_N = np.asarray(labels)
    if labels_N.shape == (n, 1) and n:
        labels_N = labels_N[:, 0]
    whole = labels_N.dtype.kind in "iub" or (labels_N.dtype.kind == "f" and bool((labels_N == np.rint(labels_N)).all()))
    if labels_N.shape != (n,) or not whole or (n and labels_N.min() < 0):
        raise ShapeError(
            f"{op}: targets of shape {labels_N.shape} and {labels_N.dtype} where a class is wanted for each of {n} "
            "samples",
            remedy="Give whole numbers from 0 up.",
        )
    return labels_N.astype(np.int64)


def predicted_of(op: str, outputs: Any) -> NDArray[np.int64]:
    """The class of each output: the largest of K scores; of one score, whether it is above 0; integers are classes.

    >>> predicted_of("f1", [[0.1, 2.0], [3.0, 0.0]]), predicted_of("f1", [-0.5, 0.5]), predicted_of("f1", [2, 0])
    (array([1, 0]), array([0, 1]), array([2, 0]))
    """
    scores = np.asarray(outputs)
    if scores.ndim == 2 and scores.shape[1] == 1:
        scores = scores[:, 0]
    if scores.ndim not in (1, 2):
        raise ShapeError(f"{op}: outputs of shape {scores.shape} where (N, K) scores or N classes are wanted")
    if scores.ndim == 2:
        scores = scores.argmax(axis=1)
    predicted: NDArray[np.int64] = (scores > 0 if scores.dtype.kind == "f" else scores).astype(np.int64)
    return predicted


def scores_of(op: str, outputs: Any) -> Array:
    """Scores (N, K) in float64; those of a binary classifier with one score a sample as (N, 2), for "no" and "yes"."""
    scores = np.asarray(outputs)
    if scores.dtype.kind not in "fiub" or scores.ndim not in (1, 2):
        raise ShapeError(f"{op}: outputs of shape {scores.shape} and {scores.dtype} where (N, K) scores are wanted")
    scores = scores.astype(np.float64)
    scores = scores[:, None] if scores.ndim == 1 else scores
    return np.concatenate([np.zeros_like(scores), scores], axis=1) if scores.shape[1] == 1 else scores
