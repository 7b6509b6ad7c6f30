"""Multi-layer perceptrons."""

from __future__ import annotations

from itertools import pairwise

from ddtrain import nn


class Mlp(nn.Module):
    """Linear layers with an activation, and optionally batch-norm and dropout, between them.

    Parameters
    ----------
    sizes : width of every layer, input and output included
    batch_norm : normalise before each activation, over all ranks
    dropout : rate after each activation

    >>> list(Mlp((64, 32, 10)).declarations())
    ['layers.0.weight', 'layers.0.bias', 'layers.2.weight', 'layers.2.bias']
    """

    def __init__(self, sizes: tuple[int, ...], batch_norm: bool = False, dropout: float = 0.0) -> None:
        layers: list[nn.Module] = []
        for d_in, d_out in pairwise(sizes[:-1]):
            layers.append(nn.Linear(d_in, d_out, bias=not batch_norm))  # batch-norm's shift replaces the bias
            layers += [nn.BatchNorm(d_out)] if batch_norm else []
            layers.append(nn.relu())
            layers += [nn.Dropout(dropout)] if dropout else []
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))

    def forward(self, x: nn.Array) -> nn.Array:
        return self.layers(x)
