"""Figures of classifiers' scores: how well they sort, and whether they are as sure as they are right."""

# N samples, K classes, B bins

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.errors import UsageError
from ddtrain.metrics.arguments import Array, labels_of, scores_of


def auc(outputs: Any, targets: Any) -> float:
    """The area under the ROC curve: how often a sample of a class has a larger score for it than one that is not.

    Parameters
    ----------
    outputs : (N, K) scores, or (N,) or (N, 1) scores of a binary classifier
    targets : (N,) the right classes

    Returns
    -------
    Of two classes, that of the second one's score (of the difference, of two scores). Of more, the mean of each class
    against the rest, over the classes that occur. NaN if there is but one.

    Notes
    -----
    From ranks, with the average rank where scores are equal (Mann and Whitney's U): a tie counts one half.

    >>> auc([0.1, 0.4, 0.4, 0.8], [0, 0, 1, 1])
    0.875
    """
    scores_NK = scores_of("auc", outputs)
    labels_N = labels_of("auc", targets, len(scores_NK))
    if scores_NK.shape[1] == 2:
        return _area(scores_NK[:, 1] - scores_NK[:, 0], labels_N == 1)
    areas = [_area(scores_NK[:, k], labels_N == k) for k in range(scores_NK.shape[1]) if (labels_N == k).any()]
    return float(np.mean(areas)) if areas else float("nan")


def _area(scores_N: Array, is_N: Array) -> float:
    there = int(is_N.sum())
    others = len(is_N) - there
    if not there or not others:
        return float("nan")
    if np.isnan(scores_N).any():
        return float("nan")
    _, place_N, ties = np.unique(scores_N, return_inverse=True, return_counts=True)
    last = np.cumsum(ties)
    ranks = last - (ties - 1) / 2  # the mean of the ranks, counted from 1, that equal scores share
    return float((ranks[place_N][is_N].sum() - there * (there + 1) / 2) / (there * others))


def top_k(outputs: Any, targets: Any, k: int = 5) -> float:
    """The share of samples whose class is among the k with the largest scores; of equal ones the first count.

    Raises
    ------
    UsageError : k is below 1, or a class has no score

    >>> top_k([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1]], [1, 2], k=2)
    0.5
    """
    if k < 1:
        raise UsageError(f"top_k: k is {k}", remedy="Give 1 or more.")
    scores_NK = scores_of("top_k", outputs)
    labels_N = _scored(labels_of("top_k", targets, len(scores_NK)), scores_NK, "top_k")
    if not len(labels_N):
        return float("nan")
    mine_N1 = np.take_along_axis(scores_NK, labels_N[:, None], axis=1)
    places = np.arange(scores_NK.shape[1])
    before_NK = (scores_NK > mine_N1) | ((scores_NK == mine_N1) & (places < labels_N[:, None]))
    finite_N = np.isfinite(mine_N1[:, 0])
    return float(((before_NK.sum(axis=1) < k) & finite_N).mean())


def calibration_error(outputs: Any, targets: Any, bins: int = 15) -> float:
    """The expected calibration error: how far confidence is from accuracy, over bins of equal width.

    Parameters
    ----------
    outputs : (N, K) unnormalised log-probabilities, or (N,) or (N, 1) of a binary classifier
    targets : (N,) the right classes
    bins : B, of the largest probability, (b/B, (b+1)/B]

    Returns
    -------
    The mean of ``|accuracy - mean confidence|`` over bins, weighted by their samples; in [0, 1]

    References
    ----------
    C. Guo et al., On calibration of modern neural networks, ICML 2017, equation 3.

    >>> round(calibration_error(np.log([[0.75, 0.25]] * 4), [0, 0, 0, 1]), 12)  # three of four right, 75 % sure
    0.0
    """
    if bins < 1:
        raise UsageError(f"calibration_error: {bins} bins", remedy="Give 1 or more.")
    scores_NK = scores_of("calibration_error", outputs)
    labels_N = labels_of("calibration_error", targets, len(scores_NK))
    if not len(labels_N):
        return float("nan")
    shifted_NK = scores_NK - scores_NK.max(axis=1, keepdims=True)
    sure_N = 1 / np.exp(shifted_NK).sum(axis=1)  # softmax of the largest
    right_N = scores_NK.argmax(axis=1) == labels_N
    bin_N = np.clip(np.ceil(sure_N * bins).astype(int) - 1, 0, bins - 1)
    gaps_B = np.bincount(bin_N, right_N - sure_N, bins)
    return float(np.abs(gaps_B).sum() / len(labels_N))


def _scored(labels_N: Array, scores_NK: Array, op: str) -> Array:
    if len(labels_N) and labels_N.max() >= scores_NK.shape[1]:
        raise UsageError(
            f"{op}: class {labels_N.max()} where there are scores of {scores_NK.shape[1]} classes",
            remedy="Give a score for each class.",
        )
    return labels_N
