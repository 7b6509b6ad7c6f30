"""Figures of all samples that are no means: a task's ``report``, worked out on rank 0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, SupportsFloat

import numpy as np
from numpy.typing import NDArray

from ddtrain.errors import UsageError, kind_of, quoted
from ddtrain.trainer.task import Task


def report(task: Task, columns: Mapping[str, NDArray[Any]]) -> tuple[dict[str, float], dict[str, Any]]:
    """The numbers of a task's report by name, and its arrays by name, as they are written to RUN/reports.

    Parameters
    ----------
    columns : "outputs" and "targets" of all samples

    Raises
    ------
    UsageError : a figure is neither a number nor an array

    >>> from ddtrain import metrics, nn
    >>> figures = {"r2": metrics.r2, "counts": metrics.confusion_matrix}
    >>> task = Task(nn.Identity(), lambda model, x, y: x - y, train=(np.ones(1), np.ones(1)), report=figures)
    >>> report(task, {"outputs": np.array([0, 1]), "targets": np.array([0, 1])})
    ({'r2': 1.0}, {'counts': {'counts': [[1, 0], [0, 1]]}})
    """
    numbers: dict[str, float] = {}
    arrays: dict[str, Any] = {}
    for name, figure in task.report.items():
        with np.errstate(all="ignore"):
            try:
                value = figure(columns["outputs"], columns["targets"])
            except Exception as error:
                error.add_note(f"in Task(report=...), {name}")
                raise
        if np.ndim(value) == 0 and isinstance(value, SupportsFloat) and not isinstance(value, str | bytes):
            numbers[name] = float(value)
        elif (array := np.asarray(value)).ndim and array.dtype.kind in "biuf":
            arrays[name] = {name: array.tolist(), **_labels(task, array)}
        else:
            raise UsageError(
                f"Task: report {quoted(name)} is {kind_of(value)} where a number or an array of numbers is wanted",
                remedy="Return a real number, or an array.",
            )
    return numbers, arrays


def _labels(task: Task, array: NDArray[Any]) -> dict[str, list[str]]:
    """The names of the classes of a confusion matrix, if they are known."""
    names = [str(name) for name in task.class_names]
    return {"labels": names} if names and array.shape == (len(names), len(names)) else {}
