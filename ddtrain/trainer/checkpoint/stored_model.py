"""The values of a model that a checkpoint stores; of another model, everything in which the two differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

from ddtrain.errors import CheckpointError
from ddtrain.nn import Module, from_torch
from ddtrain.nn.state_dict import misfits
from ddtrain.trainer.checkpoint.contents import Snapshot


def values_for(model: Module, snapshot: Snapshot, place: str, whose: str = "this model") -> dict[str, NDArray[Any]]:
    """What a checkpoint stores for each of the model's declarations, by path.

    Batch-norm has the statistics of the population, where the checkpoint has these.

    Parameters
    ----------
    place, whose : where the checkpoint is, and what the model is, for messages

    Raises
    ------
    CheckpointError : it is of another model: what is missing, unexpected or of another shape is listed
    """
    stored = {**snapshot.model, **snapshot.population}
    differences = "; ".join(_differences(model, stored))
    if differences:
        raise CheckpointError(
            f"{place}: not of {whose}: {differences}", remedy="Give the model that was trained, with its options."
        )
    return from_torch(model, stored)


def _differences(model: Module, stored: dict[str, NDArray[Any]]) -> Iterator[str]:
    found = misfits(model, stored, lambda d: d.torch_shape())
    if found.missing:
        yield f"missing {', '.join(found.missing)}"
    if found.unexpected:
        yield f"unexpected {', '.join(sorted(found.unexpected))}"  # a file has them in no order that means anything
    # in the layout of ddtrain, in which users know their shapes, though files have PyTorch's
    shapes = [f"{name} (stored {d.shape_from_torch(s)}, the model's {d.shape})" for name, s, d in found.misshapen]
    if shapes:
        yield f"of another shape {', '.join(shapes)}"
    if found.doubled:
        yield f"with two values for one {', '.join(' and '.join(pair) for pair in found.doubled)}"
