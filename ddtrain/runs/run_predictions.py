"""Predictions of what a run has trained, for samples as they were before the run's own preparation."""

# N samples

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.comm import Communicator, run_on_all
from ddtrain.data import ArrayData
from ddtrain.errors import DataError
from ddtrain.recipes import RECIPES
from ddtrain.recipes.trained import load_trained
from ddtrain.runs.predicting import BATCH, predict
from ddtrain.runs.sample_files import read_samples
from ddtrain.trainer.main import Recipe
from ddtrain.trainer.task import Task

Array = NDArray[Any]


def predict_file(
    comm: Communicator,
    run: Path | str,
    data: Path | str,
    checkpoint: str = "best",
    batch_size: int = BATCH,
    recipes: Mapping[str, Recipe] = RECIPES,
) -> tuple[Any, Task]:
    """What a run's model says of the samples of a file, and the task of the run. Collective.

    Parameters
    ----------
    data : see :func:`ddtrain.runs.sample_files.read_samples`; of a CSV those columns are taken that the run stores the
        names of, in ``Task(fitted={"columns": ...})``, or all
    checkpoint : best, last, or a path
    recipes : where the run's recipe is looked up

    Raises
    ------
    UsageError, CheckpointError : on all ranks: there is no such run or checkpoint, or it is of another model
    DataError : on all ranks: the file cannot be read, or its samples are not of the shape trained on
    """
    trained = run_on_all(comm, lambda: load_trained(run, checkpoint, recipes))
    x = run_on_all(comm, lambda: fitting(trained.task, read_samples(Path(data), columns_of(trained.task)), str(data)))
    samples = ArrayData(x, transform=transform_of(trained.task))
    return predict(trained.model, samples, batch_size, comm=comm), trained.task


def columns_of(task: Task) -> Sequence[str]:
    """The names of the columns that a run was trained on, if its task stores them as ``fitted["columns"]``."""
    fitted = task.fitted.get("columns")
    names = fitted.state_dict().get("names", ()) if fitted is not None else ()
    return names if isinstance(names, list) else ()


def transform_of(task: Task) -> Callable[[Array], Array] | None:
    """What prepares the inputs of a task's samples: its training data's transform, or else ``fitted["inputs"]``."""
    transform: Any = getattr(_innermost(task.train), "transform", None) or task.fitted.get("inputs")
    return transform if callable(transform) else None


def fitting(task: Task, x: Array, place: str) -> Array:
    """Samples in the shape and the kind of number that the run was trained on, before any preparation.

    Rows of as many numbers as a sample has, such as a CSV holds of pictures, take its shape.

    Raises
    ------
    DataError : they have another number of them
    """
    sample = _one_sample(task)
    shape, given = sample.shape[1:], x.shape[1:]
    if math.prod(given) != math.prod(shape):
        raise DataError(
            f"predict: {place} has samples of {math.prod(given)} numbers, {given}, and the run was trained on "
            f"{math.prod(shape)}, {shape}",
            remedy="Give the columns that it was trained on, without targets.",
        )
    whole = sample.dtype.kind in "iub" and x.dtype.kind == "f" and bool((x == np.rint(x)).all())
    return x.reshape(len(x), *shape).astype(sample.dtype if whole else x.dtype, copy=False)


def _one_sample(task: Task) -> Array:
    arrays = getattr(_innermost(task.train), "arrays", None)
    return np.asarray(arrays[0][:1] if arrays else task.train.batch(np.arange(1))[0])


def _innermost(dataset: Any) -> Any:
    """The data set that others are made of, as a part of it, say."""
    while hasattr(dataset, "dataset"):
        dataset = dataset.dataset
    return dataset
