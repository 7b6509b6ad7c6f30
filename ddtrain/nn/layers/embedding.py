"""Tables of vectors, and the output layer that shares one."""

from __future__ import annotations

from typing import Any

import numpy as onp
from numpy.typing import DTypeLike, NDArray

import ddtrain.numpy as np
from ddtrain import ops
from ddtrain.autodiff import Array
from ddtrain.errors import UsageError
from ddtrain.nn import init
from ddtrain.nn.argument_checks import number, sizes
from ddtrain.nn.declarations import param
from ddtrain.nn.module import Module


class Embedding(Module):
    """Row ``i`` of the table for every index ``i``. weight (V, D).

    Parameters
    ----------
    padding_idx : an index whose row begins at zero and has no gradient, as in PyTorch

    Raises
    ------
    UsageError : padding_idx is not in [0, V)

    >>> table = Embedding(vocabulary=3, d=2).bind({"weight": np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])})
    >>> table(np.array([2, 0]))
    array([[4., 5.],
           [0., 1.]])
    """

    def __init__(
        self,
        vocabulary: int,
        d: int,
        weight_init: init.Init = init.standard_normal,
        padding_idx: int | None = None,
    ) -> None:
        vocabulary, d = sizes("Embedding", vocabulary=vocabulary, d=d)
        if padding_idx is not None:
            padding_idx = number("Embedding", "padding_idx", padding_idx, 0)
            if padding_idx >= vocabulary:
                raise UsageError(f"Embedding: padding_idx {padding_idx} is outside [0, {vocabulary})")
        fans = d, vocabulary  # of the output layer that it may be tied with
        self.weight = param((vocabulary, d), weight_init, fans=fans)
        self.padding_idx = padding_idx

    def init(self, seed: int = 0, dtype: DTypeLike = onp.float32) -> dict[str, NDArray[Any]]:
        values = super().init(seed, dtype)
        if self.padding_idx is not None:
            values["weight"][self.padding_idx] = 0
        return values

    def forward(self, indices: Array) -> Array:
        return ops.embedding(self.weight, indices, padding_idx=self.padding_idx)


class TiedLinear(Module):
    """Scores of every row of an embedding: ``x @ weight.T + bias``, with the embedding's own weight. bias (V,).

    The weight is one parameter, at both of its paths in PyTorch's state dict, as ``decoder.weight = encoder.weight``
    makes it there (Press and Wolf, arXiv:1608.05859).

    >>> embedding = Embedding(7, 4)
    >>> list(TiedLinear(embedding).declarations())
    ['weight']
    """

    def __init__(self, embedding: Embedding, bias: bool = False) -> None:
        self.weight = embedding.weight
        vocabulary, d = embedding.weight.shape
        self.bias = param((vocabulary,), init.bias_uniform(d)) if bias else None

    def forward(self, x: Array) -> Array:
        return ops.linear(x, np.transpose(self.weight), self.bias)
