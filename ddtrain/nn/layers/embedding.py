"""Tables of vectors."""

from __future__ import annotations

from typing import Any

from ddtrain import ops
from ddtrain.nn import init
from ddtrain.nn.argument_checks import sizes
from ddtrain.nn.declarations import param
from ddtrain.nn.module import Module


class Embedding(Module):
    """Row ``i`` of the table for every index ``i``. weight (V, D)."""

    def __init__(self, vocabulary: int, d: int, weight_init: init.Init = init.standard_normal) -> None:
        vocabulary, d = sizes("Embedding", vocabulary=vocabulary, d=d)
        self.weight = param(
            (vocabulary, d), weight_init, fans=(d, vocabulary)
        )  # as the output that it may be tied with

    def forward(self, indices: Any) -> Any:
        return ops.embedding(self.weight, indices)
