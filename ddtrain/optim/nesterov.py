"""Nesterov's momentum as it was meant: the gradient at the point that is looked ahead to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ddtrain.kernels import optimizer_update
from ddtrain.optim.probing import ProbingOptim
from ddtrain.optim.protocol import Vector, fraction
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class Nesterov(ProbingOptim):
    """The velocity first, then the gradient from where it has led.

    With x the values, v the velocity (zero at first), g the scaled gradient of the loss at x + momentum · v:

        g ← g + weight_decay · (x + momentum · v)
        v ← momentum · v − lr · g
        x ← x + v

    PyTorch's ``nesterov`` of ``sgd`` is this method seen from the look-ahead point, whose values it stores instead of
    x: there the loss that is evaluated and saved is the look-ahead point's, here that of x.

    Notes
    -----
    The loss in the log is that of the look-ahead point, where the gradient is taken; evaluations are at x.

    References
    ----------
    Nesterov (1983), "A method for solving a convex programming problem with convergence rate O(1/k²)". Sutskever,
    Martens, Dahl, Hinton (2013), "On the importance of initialization and momentum in deep learning", equations 3, 4.

    Examples
    --------
    >>> import numpy as np
    >>> x, state = np.array([1.0]), {"velocity": np.array([-0.5])}
    >>> Nesterov(momentum=0.8).probe_(x, x, state, scale=0.0)
    >>> x
    array([0.6])
    """

    name: str = "nesterov"
    """Update rule."""
    lr: float = 0.1
    """Base learning rate, which the schedule multiplies."""
    momentum: float = 0.9
    """Of the velocity."""

    def vectors(self) -> tuple[str, ...]:
        return ("velocity",)

    def probe_(self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, scale: float) -> None:
        optimizer_update.add_scaled_(values, state["velocity"], self.momentum)

    def update_(
        self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, lr: float, scale: float, count: int
    ) -> None:
        # The decay at x + momentum v is that at x, and a little less of the velocity.
        momentum = self.momentum * (1.0 - lr * self.weight_decay)
        threshold = lr * self.l1 / (1.0 - self.momentum)  # as for the other forms of momentum
        optimizer_update.sgd(
            values, grads, state["velocity"], -1.0, momentum, False, self.weight_decay, scale, -lr, threshold
        )

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield fraction("momentum", self.momentum)
        yield "momentum", self.momentum > 0, "above 0, or take sgd"
