"""What a run has trained, as a file for other programs."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ddtrain.data import batch_of
from ddtrain.errors import UsageError, quoted
from ddtrain.export import to_onnx, write_npz, write_safetensors
from ddtrain.nn import Module
from ddtrain.recipes import RECIPES
from ddtrain.recipes.trained import Trained, load_trained
from ddtrain.trainer import atomic_files
from ddtrain.trainer.main import Recipe

FORMATS = ("safetensors", "npz", "onnx")


def export_run(
    run: Path | str,
    to: str,
    output: Path | str | None = None,
    checkpoint: str = "best",
    recipes: Mapping[str, Recipe] = RECIPES,
) -> Path:
    """Write the model of a run into a file, and return its path.

    Parameters
    ----------
    to : one of :data:`FORMATS`; the first two have PyTorch's names and layouts
    output : the file; by default RUN/model.FORMAT
    checkpoint : best, last, or a path
    recipes : where the run's recipe is looked up

    Raises
    ------
    UsageError : there is no such run or format, ONNX has nothing for an operation, or the package onnx is missing
    CheckpointError : there is no such checkpoint, it is damaged, or of another model
    DataError : the file cannot be written
    """
    if to not in FORMATS:
        raise UsageError(f"export: there is no format {quoted(to)}", remedy=f"There are {', '.join(FORMATS)}.")
    trained = load_trained(run, checkpoint, recipes)
    model, values = trained.task.model, trained.values
    if to == "onnx":
        contents = _onnx(trained)
    else:
        contents = (write_safetensors if to == "safetensors" else write_npz)(model, values)
    path = Path(output) if output is not None else Path(run) / f"model.{to}"
    atomic_files.replace(path, contents)
    return path


def _onnx(trained: Trained) -> bytes:
    """The model as ONNX, traced with samples of the training data."""
    train, model, values = trained.task.train, trained.task.model, trained.values
    dtype = next((x.dtype for x in values.values() if x.dtype.kind == "f"), np.dtype(np.float32))
    taken = arguments(model)
    first, second = (batch_of(train, rows % len(train), dtype)[:taken] for rows in (np.arange(2), np.arange(2, 5)))
    return to_onnx(model, values, first, second)


def arguments(model: Module) -> int:
    """How many arrays a model must be given.

    >>> from ddtrain import nn
    >>> arguments(nn.Linear(2, 1))
    1
    """
    kinds = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    given = inspect.signature(model.forward).parameters.values()
    return max(1, sum(p.kind in kinds and p.default is p.empty for p in given))
