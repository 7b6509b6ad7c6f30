"""Stochastic gradient descent with momentum, by PyTorch's definitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ddtrain.kernels import optimizer_update
from ddtrain.optim.protocol import Optim, Vector, fraction, not_negative
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class Sgd(Optim):
    """Gradient descent, with heavy-ball or Nesterov momentum and L2 weight decay.

    With g the scaled gradient, x the values, v the velocity (zero at first):

        g ← g + weight_decay · x
        v ← momentum · v + g
        x ← x − lr · v                     (heavy ball)
        x ← x − lr · (g + momentum · v)    (Nesterov)

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
    >>> Sgd(lr=0.05).vectors(), Sgd(momentum=0.0).vectors()
    (('velocity',), ())
    """

    name: str = "sgd"
    """Update rule."""
    lr: float = 0.1
    """Base learning rate, which the schedule multiplies."""
    momentum: float = 0.9
    """Decay of the velocity; 0: plain gradient descent."""
    nesterov: bool = False
    """Nesterov's form of momentum."""
    weight_decay: float = 0.0
    """L2 penalty added to the gradient."""

    def vectors(self) -> tuple[str, ...]:
        return ("velocity",) if self.momentum else ()

    def update_(
        self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, lr: float, scale: float, count: int
    ) -> None:
        velocity = state.get("velocity")
        optimizer_update.sgd(values, grads, velocity, lr, self.momentum, self.nesterov, self.weight_decay, scale)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield fraction("momentum", self.momentum)
        yield not_negative("weight_decay", self.weight_decay)
        yield "nesterov", not self.nesterov or self.momentum > 0, "--optim.momentum above 0 with it, or leave it out"
