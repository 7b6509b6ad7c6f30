"""RMSProp: rates by a fading mean of squared gradients; centred, and with momentum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ddtrain.kernels import adaptive_update
from ddtrain.optim.protocol import Optim, Vector, fraction, not_negative, positive
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class RmsProp(Optim):
    """Each element is divided by its root mean square gradient of late.

    With g the scaled gradient plus weight_decay · x, x the values, s, m and v zero at first:

        s ← ρ s + (1 − ρ) g²
        m ← ρ m + (1 − ρ) g                   (centred; else m stays 0)
        v ← momentum · v + g / (√(s − m²) + ε)
        x ← x − lr · v

    References
    ----------
    Tieleman, Hinton (2012), lecture 6.5; centred: Graves (2013), arXiv:1308.0850. The definitions are PyTorch's.

    Examples
    --------
    >>> import numpy as np
    >>> x, method = np.array([1.0, 2.0]), RmsProp()
    >>> state = {name: np.zeros(2) for name in method.vectors()}
    >>> method.update_(x, np.array([4.0, -4.0]), state, lr=0.1, scale=1.0, count=1)
    >>> x.round(4)
    array([0., 3.])
    """

    name: str = "rmsprop"
    """Update rule."""
    lr: float = 0.01
    """Base learning rate, which the schedule multiplies."""
    rho: float = 0.99
    """Decay of the mean of the squared gradient."""
    momentum: float = 0.0
    """Decay of the velocity; 0: no momentum."""
    centered: bool = False
    """Divide by the standard deviation of the gradient instead."""
    eps: float = 1e-8
    """Added to the denominator, after the root."""
    weight_decay: float = 0.0
    """L2 penalty added to the gradient."""

    def vectors(self) -> tuple[str, ...]:
        return ("square", *(("mean",) if self.centered else ()), *(("velocity",) if self.momentum else ()))

    def update_(
        self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, lr: float, scale: float, count: int
    ) -> None:
        adaptive_update.rmsprop(
            values,
            grads,
            state["square"],
            state.get("mean"),
            state.get("velocity"),
            lr,
            self.rho,
            self.eps,
            self.momentum,
            self.weight_decay,
            scale,
        )

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield fraction("rho", self.rho)
        yield fraction("momentum", self.momentum)
        yield positive("eps", self.eps)
        yield not_negative("weight_decay", self.weight_decay)
