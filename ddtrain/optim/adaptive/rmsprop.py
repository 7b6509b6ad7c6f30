"""RMSProp: rates by a fading mean of squared gradients; centred, and with momentum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ddtrain.kernels import adaptive_update
from ddtrain.optim.penalties import Penalized
from ddtrain.optim.protocol import Vector, fraction, positive
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class RmsProp(Penalized):
    """Each element is divided by its root mean square gradient of late.

    With g the scaled gradient plus weight_decay · x, x the values, s, m and v zero at first:

        s ← ρ s + (1 − ρ) g²
        m ← ρ m + (1 − ρ) g                   (centred; else m stays 0)
        v ← momentum · v + g / (√(s − m²) + ε)    (or √(s − m² + ε))
        x ← x − lr · v

    References
    ----------
    Tieleman, Hinton (2012), lecture 6.5. The definitions are PyTorch's. Centred, and with ε inside the root: Graves
    (2013), "Generating sequences with recurrent neural networks", arXiv:1308.0850, equations 38 to 45.

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
    eps_inside_root: bool = False
    """Add eps inside the root instead."""

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
            self.eps_inside_root,
            self.momentum,
            self.weight_decay,
            scale,
            self.l1,
        )

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield fraction("rho", self.rho)
        yield fraction("momentum", self.momentum)
        yield positive("eps", self.eps)
