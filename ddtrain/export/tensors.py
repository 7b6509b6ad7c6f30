"""A model's tensors as a file, by the names and in the layouts that PyTorch's ``load_state_dict`` takes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors.numpy

from ddtrain.nn import Module, to_torch


def write_safetensors(model: Module, values: Mapping[str, Any]) -> bytes:
    """The bytes of a .safetensors file.

    Parameters
    ----------
    model : unbound
    values : by path, one for each of ``model.declarations()``

    >>> from ddtrain.nn import Linear
    >>> layer = Linear(3, 2)
    >>> safetensors.numpy.load(write_safetensors(layer, layer.init()))["weight"].shape
    (2, 3)
    """
    tensors = to_torch(model, values)
    return safetensors.numpy.save({name: np.array(x, order="C") for name, x in tensors.items()})


def write_npz(model: Module, values: Mapping[str, Any]) -> bytes:
    """The bytes of an .npz file of the same tensors.

    >>> from ddtrain.nn import Linear
    >>> layer = Linear(3, 2)
    >>> np.load(io.BytesIO(write_npz(layer, layer.init())))["weight"].shape
    (2, 3)
    """
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **to_torch(model, values))
    return file.getvalue()
