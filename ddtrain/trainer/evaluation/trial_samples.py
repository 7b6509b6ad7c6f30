"""A trial before the first step: the loss of the samples with the outermost labels, which it has to take."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from ddtrain.comm import run_on_all
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.comm.protocol import Communicator
from ddtrain.data import Dataset, batch_of
from ddtrain.errors import ShapeError, UsageError
from ddtrain.ops import use_communicator
from ddtrain.param_store import ParamStore
from ddtrain.trainer.task import Task
from ddtrain.user_lines import user_line


def try_extremes(task: Task, store: ParamStore, comm: Communicator) -> None:
    """Compute the loss, without a gradient, of the samples with the smallest and largest labels. Collective.

    Each rank tries all of them, so that they fail alike. Data sets that do not say which those samples are, by a method
    ``extremes``, are not tried.

    Raises
    ------
    UsageError : on all ranks, what the loss or the model says of the first sample that it does not take
    """
    valid = {f"validation {name}".rstrip(): dataset for name, dataset in task.valid_sets.items()}
    for name, dataset in {"training": task.train, **valid}.items():
        if hasattr(dataset, "extremes"):
            rows = dataset.extremes().tolist()
            run_on_all(comm, functools.partial(_try, task, store, name, dataset, rows))


def _try(task: Task, store: ParamStore, name: str, dataset: Dataset, rows: Sequence[int]) -> None:
    if not rows or _refusal(task, store, dataset, rows) is None:
        return
    for row in rows:  # one by one, to say which it is
        if (error := _refusal(task, store, dataset, [row])) is not None:
            place = {"line": user_line(error.__traceback__), **error.place, "sample": row}
            raise UsageError(f"the {name} data: {error.message}", remedy=error.remedy, **place) from None


def _refusal(task: Task, store: ParamStore, dataset: Dataset, rows: Sequence[int]) -> ShapeError | None:
    """What is raised of these samples' shapes or values; another error is left to the step that will say its place."""
    try:
        with use_communicator(LocalCommunicator()), np.errstate(all="ignore"):
            task.loss(task.model.bind(store.tensors), *batch_of(dataset, np.array(rows, np.int64), store.dtype))
    except ShapeError as error:
        return error
    except Exception:
        return None
    return None
