"""Figures of classes that were predicted: how often which class is taken for which."""

# N samples, K classes

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ddtrain.errors import UsageError, quoted
from ddtrain.metrics.arguments import labels_of, predicted_of

Average = Literal["macro", "micro", "binary"]
_AVERAGES = ("macro", "micro", "binary")


def confusion_matrix(outputs: Any, targets: Any, classes: int = 0) -> NDArray[np.int64]:
    """How many samples of each class were taken for each.

    Parameters
    ----------
    outputs : (N, K) scores, of which the largest counts; (N,) or (N, 1) floating scores of a binary classifier, which
        says yes above 0; or (N,) predicted classes
    targets : (N,) the right classes
    classes : how many there are; 0: as many columns as scores have, or up to the largest class that occurs

    Returns
    -------
    (K, K) counts; row: the class that is right, column: the one that was predicted

    Raises
    ------
    ShapeError : targets are no classes
    UsageError : there are more classes than that

    >>> confusion_matrix([0, 1, 1, 1], [0, 0, 1, 1])
    array([[1, 1],
           [0, 2]])
    """
    predicted_N = predicted_of("confusion_matrix", outputs)
    right_N = labels_of("confusion_matrix", targets, len(predicted_N))
    seen = 1 + max(predicted_N.max(initial=0), right_N.max(initial=0))
    scores = np.shape(outputs)
    known = classes or (scores[1] if len(scores) == 2 and scores[1] > 1 else 0)
    if classes and seen > classes:
        raise UsageError(f"confusion_matrix: class {seen - 1} where there are {classes} classes", remedy="Give more.")
    k = int(max(known, seen, 2))
    return np.bincount(right_N * k + predicted_N, minlength=k * k).reshape(k, k)


def precision(outputs: Any, targets: Any, average: Average = "macro") -> float:
    """Of what was taken for a class, the share that is of it; see :func:`f1` for the parameters.

    >>> precision([0, 1, 1, 1], [0, 0, 1, 1], average="binary")
    0.6666666666666666
    """
    return _averaged("precision", outputs, targets, average, lambda hits, taken, there: _ratio(hits, taken))


def recall(outputs: Any, targets: Any, average: Average = "macro") -> float:
    """Of what is of a class, the share that was taken for it; see :func:`f1` for the parameters.

    >>> recall([0, 1, 1, 1], [0, 0, 1, 1])
    0.75
    """
    return _averaged("recall", outputs, targets, average, lambda hits, taken, there: _ratio(hits, there))


def f1(outputs: Any, targets: Any, average: Average = "macro") -> float:
    """The harmonic mean of precision and recall.

    Parameters
    ----------
    outputs, targets : as for :func:`confusion_matrix`
    average : "macro", the mean over the classes that occur in outputs or targets; "micro", of the counts of all
        classes together, which is the accuracy; "binary", of class 1 alone

    Notes
    -----
    0 for a class that was never predicted right. These are scikit-learn's numbers, with ``zero_division=0``.

    >>> f1([0, 1, 1, 1], [0, 0, 1, 1], average="binary")
    0.8
    """
    return _averaged("f1", outputs, targets, average, lambda hits, taken, there: _ratio(2 * hits, taken + there))


def _averaged(op: str, outputs: Any, targets: Any, average: str, of: Any) -> float:
    if average not in _AVERAGES:
        raise UsageError(f"{op}: average {quoted(average)}", remedy=f"There are {', '.join(_AVERAGES)}.")
    counts_KK = confusion_matrix(outputs, targets)
    hits_K, taken_K, there_K = counts_KK.diagonal(), counts_KK.sum(axis=0), counts_KK.sum(axis=1)
    if average == "micro":
        return float(of(hits_K.sum(), taken_K.sum(), there_K.sum()))
    if average == "binary":
        if len(counts_KK) != 2:
            raise UsageError(f"{op}: {len(counts_KK)} classes are not binary", remedy="Give macro or micro.")
        return float(of(hits_K, taken_K, there_K)[1])
    occurs_K = taken_K + there_K > 0
    return float(of(hits_K, taken_K, there_K)[occurs_K].mean()) if occurs_K.any() else float("nan")


def _ratio(part: Any, whole: Any) -> Any:
    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=np.asarray(whole) > 0)
