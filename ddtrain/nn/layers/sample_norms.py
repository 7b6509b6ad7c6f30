"""Normalisation of every sample by itself."""

from __future__ import annotations

from typing import Any

from ddtrain import ops
from ddtrain.nn import init
from ddtrain.nn.argument_checks import sizes
from ddtrain.nn.declarations import param
from ddtrain.nn.module import Module


class LayerNorm(Module):
    """Normalises the last axis of every sample by itself. weight, bias (D,)."""

    def __init__(self, d: int, eps: float = 1e-5) -> None:
        shape = sizes("LayerNorm", d=d)
        self.weight, self.bias, self.eps = param(shape, init.ones), param(shape, init.zeros), eps

    def forward(self, x: Any) -> Any:
        return ops.layer_norm(x, self.weight, self.bias, eps=self.eps)
