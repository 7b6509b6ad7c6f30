"""Modules made of others, and the change of shape between them."""

from __future__ import annotations

from typing import Any

import ddtrain.numpy as np
from ddtrain.errors import ShapeError
from ddtrain.nn.module import Module


class Flatten(Module):
    """One row a sample. Images are flattened channels first, as PyTorch does, so that exported weights fit."""

    def forward(self, x: Any) -> Any:
        if x.ndim == 4:
            x = np.transpose(x, (0, 3, 1, 2))
        return np.reshape(x, (x.shape[0], -1) if x.shape[0] else (0, int(np.prod(x.shape[1:]))))


class Sequential(Module):
    """Modules one after the other, named by position: ``0.weight``, ``0.bias``, ``1.weight`` ..."""

    def __init__(self, *layers: Module) -> None:
        for k, layer in enumerate(layers):
            if not isinstance(layer, Module):
                raise ShapeError(f"Sequential: argument {k} is a {type(layer).__name__}, not a module")
            setattr(self, str(k), layer)

    def forward(self, x: Any) -> Any:
        for _, layer in self.children():
            x = layer(x)
        return x
