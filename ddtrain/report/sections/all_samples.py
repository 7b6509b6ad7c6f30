"""Figures of all samples together, such as confusion matrices, from RUN/reports, which ``Task(report=...)`` fills.

A file for each: ``{"step": 12, "confusion": [[5, 1], [0, 4]], "labels": ["cat", "dog"]}``, the labels only where they
are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from ddtrain.report.drawing.confusion import is_confusion, matrix, numbers
from ddtrain.report.drawing.markup import Markup, join
from ddtrain.report.sections.subject import Subject, json_of

FOLDER, LABELS = "reports", "labels"


def all_samples(subject: Subject) -> Markup | None:
    """A table for each array of the latest evaluation; None if there are none.

    Raises
    ------
    ValueError : a file is of another form
    """
    shown = [table for path in sorted((subject.run.path / FOLDER).glob("*.json")) for table in _tables(path)]
    return join(*shown) if shown else None


def _tables(path: Path) -> Iterator[Markup]:
    found = json_of(path)
    if not isinstance(found, Mapping):
        raise ValueError(f"{path.name} is no JSON object")
    for key, value in found.items():
        array = np.asarray(value)
        if key != LABELS and array.dtype.kind not in "biuf":
            raise ValueError(f"{path.name}: {key} is no array of numbers")
        if key != LABELS and array.ndim:  # a number says after which step
            yield matrix(path.stem, array, found.get(LABELS, ())) if is_confusion(array) else numbers(path.stem, array)
