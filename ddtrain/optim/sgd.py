"""Stochastic gradient descent with momentum, by PyTorch's definitions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from ddtrain.errors import UsageError
from ddtrain.kernels import optimizer_update
from ddtrain.optim.protocol import WHOLE, Alloc, OptimConfig, Vector


class Sgd:
    """Gradient descent, with heavy-ball or Nesterov momentum and L2 weight decay.

    With g the scaled gradient, x the values, v the velocity (zero at first):

        g ← g + weight_decay · x
        v ← momentum · v + g
        x ← x − lr · v                     (heavy ball)
        x ← x − lr · (g + momentum · v)    (Nesterov)

    Parameters
    ----------
    n : length of the value vector
    dtype : of values, gradients and velocity
    momentum : in [0, 1); 0 keeps no velocity
    nesterov : look ahead; needs momentum
    weight_decay : L2 coefficient, of every parameter
    alloc : where the velocity comes from

    Notes
    -----
    The learning rate multiplies the velocity when it is used, not when it is gathered, as in PyTorch and unlike
    Sutskever et al. (2013): the two differ when the learning rate changes.

    References
    ----------
    Polyak (1964), "Some methods of speeding up the convergence of iteration methods".
    Sutskever, Martens, Dahl, Hinton (2013), "On the importance of initialization and momentum in deep learning".

    Examples
    --------
    >>> x, g = np.array([1.0, 2.0]), np.array([0.5, -0.5])
    >>> sgd = Sgd(2, np.float64, momentum=0.9)
    >>> for _ in range(2):
    ...     sgd.apply(x, g, lr=0.1)
    >>> x  # 1 - 0.05 - 0.095
    array([0.855, 2.145])
    """

    def __init__(
        self,
        n: int,
        dtype: DTypeLike,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        alloc: Alloc = np.zeros,
    ) -> None:
        if nesterov and not momentum:
            raise UsageError("optim sgd: Nesterov needs momentum", remedy="Give --optim.momentum, e.g. 0.9.")
        self.momentum, self.nesterov, self.weight_decay = momentum, nesterov, weight_decay
        self.state: dict[str, Vector] = {"velocity": alloc(n, dtype)} if momentum else {}
        self.count = 0

    def apply(
        self, values: Vector, grads: Vector, *, lr: float, scale: float = 1.0, spans: Sequence[slice] = WHOLE
    ) -> None:
        """One step of descent in place."""
        velocity = self.state.get("velocity")
        for span in spans:
            v = None if velocity is None else velocity[span]
            optimizer_update.sgd(
                values[span], grads[span], v, lr, self.momentum, self.nesterov, self.weight_decay, scale
            )
        self.count += 1


def make(config: OptimConfig, n: int, dtype: DTypeLike, alloc: Alloc = np.zeros) -> Sgd:
    """SGD from the section ``optim``: reads momentum, nesterov, weight_decay."""
    return Sgd(
        n,
        dtype,
        momentum=config.momentum,
        nesterov=config.nesterov,
        weight_decay=config.weight_decay,
        alloc=alloc,
    )
