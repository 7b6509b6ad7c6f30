"""A confusion matrix as a table, whose cells are the fuller the larger their share of the row.

K classes; row: the class that a sample is of, column: the one that it was taken for
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.report.drawing import tables
from ddtrain.report.drawing.limits import text_of
from ddtrain.report.drawing.markup import Markup, join, tag

_MOST = 60  # classes whose matrix is shown
_MIXED = 8  # pairs of classes that are named


def is_confusion(array: NDArray[Any]) -> bool:
    """Whether an array can be a confusion matrix: square, of whole numbers from 0 on.

    >>> is_confusion(np.array([[3, 0], [1, 4]])), is_confusion(np.array([[0.5, 0.5], [0.0, 1.0]]))
    (True, False)
    """
    square = array.ndim == 2 and array.shape[0] == array.shape[1] > 0
    return square and array.dtype.kind in "iu" and bool((array >= 0).all())


def matrix(name: str, counts_KK: NDArray[Any], labels: Sequence[str] = ()) -> Markup:
    """The table, and in words what is mixed up most.

    Parameters
    ----------
    labels : names of the classes, by default their numbers

    Raises
    ------
    ValueError : another number of labels than of classes

    >>> "cat taken for dog (1)" in matrix("valid", np.array([[5, 1], [0, 4]]), ["cat", "dog"])
    True
    """
    labels = [str(label) for label in labels or range(len(counts_KK))]
    if len(labels) != len(counts_KK):
        raise ValueError(f"{len(labels)} labels for {len(counts_KK)} classes")
    rows = counts_KK.sum(1, keepdims=True)
    shares_KK = counts_KK / np.maximum(rows, 1)
    body = [
        (labels[k], *(_cell(counts_KK[k, j], shares_KK[k, j]) for j in range(len(labels))), f"{shares_KK[k, k]:.1%}")
        for k in range(len(labels))
    ]
    caption = f"{name}: {int(counts_KK.sum())} samples, {np.trace(counts_KK) / max(counts_KK.sum(), 1):.2%} right"
    heads = ["class", *labels, "right"]
    whole = tables.table(heads, body, caption, class_="matrix") if len(labels) <= _MOST else tag("p", caption)
    return join(whole, _mixed(counts_KK, labels))


def _cell(count: int, share: float) -> Markup:
    strength = None if count == 0 else f"--share:{round(100 * share)}%"
    return tag("span", count, class_="share", style=strength)


def _mixed(counts_KK: NDArray[Any], labels: Sequence[str]) -> Markup:
    """The pairs that are mixed up most, in words."""
    wrong = counts_KK * (1 - np.eye(len(labels), dtype=int))
    order = np.argsort(-wrong, axis=None, kind="stable")[:_MIXED]
    pairs = [(labels[k], labels[j], wrong[k, j]) for k, j in zip(*np.unravel_index(order, wrong.shape))]
    words = [f"{is_a} taken for {other} ({n})" for is_a, other, n in pairs if n > 0]
    told = f"rows: what a sample is, columns: what it was taken for; most often {', '.join(words) or 'nothing wrong'}"
    return tag("p", told, class_="note")


def numbers(name: str, array: NDArray[Any]) -> Markup:
    """Another array as a plain table, if it is of one or two dimensions and not large."""
    shape = " × ".join(map(str, array.shape))
    if array.ndim not in (1, 2) or array.size == 0 or max(array.shape) > _MOST:
        return tag("p", f"{name}: an array of {shape} numbers, too large to be shown")
    rows_RC = np.atleast_2d(array)
    heads = ["", *range(rows_RC.shape[1])]
    return tables.table(
        heads, [(r, *map(text_of, map(float, row))) for r, row in enumerate(rows_RC)], f"{name}: {shape}"
    )
