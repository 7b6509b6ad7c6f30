"""Multi-layer perceptrons."""

from __future__ import annotations

from itertools import pairwise

from ddtrain import nn
from ddtrain.models.activated import BatchNorm, activated, place_of


class Mlp(nn.Module):
    """Linear layers with an activation, and optionally batch-norm and dropout, between them.

    Parameters
    ----------
    sizes : width of every layer, input and output included
    batch_norm : normalise over all ranks, "before" each activation (True) or "after" it; "none" or False: not at all
    dropout : rate after each activation
    activation : a name in ``nn.ACTIVATIONS``

    Raises
    ------
    UsageError : an activation that there is not, or that changes the number of units

    >>> list(Mlp((64, 32, 10)).declarations())
    ['layers.0.weight', 'layers.0.bias', 'layers.2.weight', 'layers.2.bias']
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        batch_norm: BatchNorm = False,
        dropout: float = 0.0,
        activation: str = "relu",
    ) -> None:
        bias = place_of(batch_norm) != "before"  # a shift that follows replaces it
        layers: list[nn.Module] = []
        for d_in, d_out in pairwise(sizes[:-1]):
            layers += [nn.Linear(d_in, d_out, bias=bias), *activated(d_out, activation, batch_norm)]
            layers += [nn.Dropout(dropout)] if dropout else []
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))

    def forward(self, x: nn.Array) -> nn.Array:
        return self.layers(x)
