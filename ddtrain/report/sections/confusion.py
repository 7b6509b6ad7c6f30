"""Confusion matrices, from RUN/reports/*.json: ``{"confusion": [[5, 1], [0, 4]], "labels": ["cat", "dog"]}``.

K classes; row: the class that a sample is of, column: the one that it was taken for
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ddtrain.report.drawing import tables
from ddtrain.report.drawing.limits import text_of
from ddtrain.report.drawing.markup import Markup, join, tag
from ddtrain.report.sections.subject import Subject, json_of

_MOST = 60  # classes whose matrix is shown
_MIXED = 8  # pairs of classes that are named


def confusion(subject: Subject) -> Markup | None:
    """The matrices of a run, as tables whose cells are the fuller the larger their share of the row.

    Raises
    ------
    ValueError : a file is of another form
    """
    shown = [_matrix(path.stem, found) for path, found in _found(subject) if "confusion" in found]
    return join(*shown) if shown else None


def _found(subject: Subject) -> list[tuple[Any, Mapping[str, Any]]]:
    paths = sorted((subject.run.path / "reports").glob("*.json"))
    return [(path, found) for path in paths if isinstance(found := json_of(path), dict)]


def _matrix(name: str, found: Mapping[str, Any]) -> Markup:
    counts_KK = np.asarray(found["confusion"], float)
    if counts_KK.ndim != 2 or counts_KK.shape[0] != counts_KK.shape[1]:
        raise ValueError(f"a confusion matrix of shape {counts_KK.shape}")
    labels = [str(label) for label in found.get("labels") or range(len(counts_KK))]
    if len(labels) != len(counts_KK):
        raise ValueError(f"{len(labels)} labels for {len(counts_KK)} classes")
    rows = counts_KK.sum(1, keepdims=True)
    shares_KK = np.divide(counts_KK, rows, out=np.zeros_like(counts_KK), where=rows > 0)
    heads = ["class", *labels, "right"]
    body = [
        (labels[k], *(_cell(counts_KK[k, j], shares_KK[k, j]) for j in range(len(labels))), f"{shares_KK[k, k]:.1%}")
        for k in range(len(labels))
    ]
    caption = f"{name}: {int(counts_KK.sum())} samples, {np.trace(counts_KK) / max(counts_KK.sum(), 1):.2%} right"
    whole = tables.table(heads, body, caption, class_="matrix") if len(labels) <= _MOST else tag("p", caption)
    return join(whole, _mixed(counts_KK, labels))


def _cell(count: float, share: float) -> Markup:
    strength = None if count == 0 else f"--share:{round(100 * share)}%"
    return tag("span", text_of(count, 6), class_="share", style=strength)


def _mixed(counts_KK: Any, labels: list[str]) -> Markup | None:
    """The pairs that are mixed up most, in words."""
    wrong = counts_KK * (1 - np.eye(len(labels)))
    order = np.argsort(-wrong, axis=None, kind="stable")[:_MIXED]
    pairs = [(labels[k], labels[j], wrong[k, j]) for k, j in zip(*np.unravel_index(order, wrong.shape))]
    words = [f"{is_a} taken for {other} ({text_of(n, 6)})" for is_a, other, n in pairs if n > 0]
    return tag("p", f"most often: {', '.join(words)}", class_="note") if words else None
