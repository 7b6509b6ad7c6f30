"""A learned optimizer at work: as any other of ``ddtrain.optim``, element by element of the vector of parameters."""

# N parameters

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ddtrain.errors import UsageError
from ddtrain.meta.lstm_network import LstmNetwork, features, steps
from ddtrain.optim import Optim
from ddtrain.optim.protocol import Vector

PIECE = 1 << 12  # parameters at a time, so that their gates, 80 numbers each, stay in the cache


@dataclass(frozen=True)
class Learned(Optim):
    """Every element moves by what an LSTM says that has read its gradients so far.

    With g the scaled gradient, x the values and s the LSTM's state of each:

        (u, s) ← LSTM(features(g), s)
        x ← x + lr · u

    A program that says ``ddtrain.parts.register(Learned)`` can name it in a configuration or on its command line, as
    ``--optim.name learned --optim.file optimizer.safetensors``. Every element is updated by itself, so it works on any
    number of ranks; as the products of matrices are rounded by blocks, not to the last bit on different numbers.

    References
    ----------
    Andrychowicz et al. (2016), "Learning to learn by gradient descent by gradient descent", arXiv:1606.04474.

    Examples
    --------
    >>> from ddtrain.optim import make
    >>> x, optimizer = np.array([1.0, 2.0]), make(Learned.of(LstmNetwork.initial(seed=0)), 2, np.float64)
    >>> optimizer.apply(x, np.array([0.5, -0.5]), lr=1.0)
    >>> len(optimizer.state), bool((x != [1.0, 2.0]).all())
    (80, True)
    """

    name: str = "learned"
    """Update rule."""
    lr: float = 1.0
    """Multiplies the steps that were learned, as does the schedule."""
    file: str = ""
    """The network, as its method save has written it."""

    @classmethod
    def of(cls, network: LstmNetwork, lr: float = 1.0) -> Learned:
        """The optimizer of a network that lies in no file."""
        made = cls(lr=lr)
        vars(made)["network"] = network  # what the property would have read
        return made

    @cached_property
    def network(self) -> LstmNetwork:
        """Read when it is first used.

        Raises
        ------
        UsageError : no file
        DataError : it holds no network
        """
        if not self.file:
            raise UsageError("the optimizer learned has no file", remedy="Give one: Learned(file=...), --optim.file.")
        return LstmNetwork.load(self.file)

    def vectors(self) -> tuple[str, ...]:
        return self.network.vectors()

    def update_(
        self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, lr: float, scale: float, count: int
    ) -> None:
        vectors = [state[name] for name in self.vectors()]
        weights = {name: weight.astype(values.dtype, copy=False) for name, weight in self.network.weights.items()}
        for start in range(0, len(values), PIECE):
            at = slice(start, start + PIECE)
            inputs = features(scale * grads[at])[:, None].astype(values.dtype, copy=False)
            moves, after = steps(weights, inputs, np.stack([vector[at] for vector in vectors], axis=1))
            values[at] += lr * moves[:, 0]
            for vector, column in zip(vectors, after.T, strict=True):
                vector[at] = column
