"""RMSProp with Nesterov's momentum: mean squares and steps from gradients of the look-ahead point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ddtrain.kernels import adaptive_update, optimizer_update
from ddtrain.optim.probing import ProbingOptim
from ddtrain.optim.protocol import Vector, fraction, positive
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class RmsPropNesterov(ProbingOptim):
    """RMSProp whose gradients, also those in the mean of squares A, are taken at x + momentum · v.

    With x the values, A and v zero at first, g the scaled gradient of the loss at x + momentum · v:

        g ← g + weight_decay · x
        A ← rho · A + (1 − rho) · g²
        v ← momentum · v − lr · g / (√A + ε)
        x ← x + v

    References
    ----------
    Goodfellow, Bengio, Courville (2016), "Deep learning", algorithm 8.6.

    Examples
    --------
    >>> import numpy as np
    >>> x, state = np.array([1.0]), {name: np.zeros(1) for name in RmsPropNesterov().vectors()}
    >>> RmsPropNesterov(rho=0.75).update_(x, np.array([4.0]), state, lr=0.1, scale=1.0, count=1)
    >>> x.round(6), state["square"]
    (array([0.8]), array([4.]))
    """

    name: str = "rmsprop_nesterov"
    """Update rule."""
    lr: float = 0.01
    """Base learning rate, which the schedule multiplies."""
    rho: float = 0.99
    """Decay of the mean of the squared gradient."""
    momentum: float = 0.9
    """Of the velocity."""
    eps: float = 1e-8
    """Added to the denominator, after the root."""

    def vectors(self) -> tuple[str, ...]:
        return ("square", "velocity")

    def probe_(self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, scale: float) -> None:
        optimizer_update.add_scaled_(values, state["velocity"], self.momentum)

    def update_(
        self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, lr: float, scale: float, count: int
    ) -> None:
        adaptive_update.rmsprop_lookahead(
            values,
            grads,
            state["square"],
            state["velocity"],
            lr,
            self.rho,
            self.eps,
            self.momentum,
            self.weight_decay,
            scale,
            self.l1,
        )

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield fraction("rho", self.rho)
        yield fraction("momentum", self.momentum)
        yield "momentum", self.momentum > 0, "above 0, or take rmsprop"
        yield positive("eps", self.eps)
