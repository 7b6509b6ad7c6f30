"""Dropout, of single units and of whole channels."""

from __future__ import annotations

from typing import Any

from ddtrain import ops
from ddtrain.errors import UsageError
from ddtrain.nn.module import Module


class Dropout(Module):
    """Sets a fraction ``rate`` of the activations to zero in training and scales the others by 1/(1 − rate).

    The mask of a sample depends on (seed, layer, step, position in the global batch) and on nothing else; a layer that
    is called again in the same forward pass drops other units.
    """

    def __init__(self, rate: float = 0.5) -> None:
        if not 0 <= rate < 1:
            raise UsageError(f"Dropout: rate {rate} is not in [0, 1)")
        self.rate = rate

    def forward(self, x: Any) -> Any:
        if not self.run.training or self.rate == 0:
            return x
        return ops.dropout(x, self.run.uniform(f"dropout/{self._path}", x.shape), rate=self.rate)
