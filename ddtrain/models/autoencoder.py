"""An autoencoder: a network that gives back its input through a narrow layer."""

# N samples, D inputs
from __future__ import annotations

from itertools import pairwise

import numpy as np

from ddtrain import nn
from ddtrain.errors import UsageError


class Autoencoder(nn.Module):
    """Linear layers down to a code and back up, with an activation after all but the code and the output.

    Parameters
    ----------
    sizes : widths from the input to the code
    tied : whether the way back has the transposed weights of the way there, and biases of its own; else its own of both
    activation : a name in ``nn.ACTIVATIONS``

    Raises
    ------
    UsageError : fewer than two sizes; an activation that there is not, or that changes the number of units

    References
    ----------
    Hinton, Salakhutdinov (2006), "Reducing the dimensionality of data with neural networks".

    >>> model = Autoencoder((64, 16, 4))
    >>> values = model.init()
    >>> list(values)
    ['up_bias.0', 'up_bias.1', 'down.0.weight', 'down.0.bias', 'down.1.weight', 'down.1.bias']
    >>> model.bind(values)(np.ones((2, 64), np.float32)).shape
    (2, 64)
    """

    def __init__(self, sizes: tuple[int, ...], tied: bool = True, activation: str = "sigmoid") -> None:
        if len(sizes) < 2:
            raise UsageError(f"Autoencoder: sizes {sizes} have no code", remedy="Give input, hidden layers and code.")
        self.down = [nn.Linear(wide, narrow) for wide, narrow in pairwise(sizes)]
        back = [*pairwise(sizes[::-1])]
        self.up = [nn.Linear(narrow, wide) for narrow, wide in back] if not tied else []
        self.up_bias = [nn.param((wide,), nn.init.zeros) for _, wide in back] if tied else []
        self.activation = nn.unitwise(activation)

    def encode(self, x_ND: nn.Array) -> nn.Array:
        """The code of each sample."""
        for k, layer in enumerate(self.down):
            x_ND = layer(self.activation(x_ND) if k else x_ND)
        return x_ND

    def decode(self, code: nn.Array) -> nn.Array:
        """What a code stands for."""
        x = code
        for k, there in enumerate(reversed(self.down)):
            x = self.activation(x) if k else x
            x = x @ np.transpose(there.weight) + self.up_bias[k] if self.up_bias else self.up[k](x)
        return x

    def forward(self, x_ND: nn.Array) -> nn.Array:
        return self.decode(self.encode(x_ND))
