"""AdaDelta: steps in the units of the weights, with no rate to choose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ddtrain.kernels import adaptive_update
from ddtrain.optim.penalties import Penalized
from ddtrain.optim.protocol import Vector, fraction, positive
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class AdaDelta(Penalized):
    """Each step is the gradient times the ratio of root mean square steps and gradients of late.

    With g the scaled gradient plus weight_decay · x, x the values, s and u zero at first:

        s ← ρ s + (1 − ρ) g²
        d ← g · √(u + ε) / √(s + ε)
        u ← ρ u + (1 − ρ) d²
        x ← x − lr · d

    References
    ----------
    Zeiler (2012), "ADADELTA: an adaptive learning rate method", arXiv:1212.5701. The definitions are PyTorch's.

    Examples
    --------
    >>> import numpy as np
    >>> x, method = np.array([1.0, 2.0]), AdaDelta()
    >>> state = {name: np.zeros(2) for name in method.vectors()}
    >>> method.update_(x, np.array([4.0, -4.0]), state, lr=0.1, scale=1.0, count=1)
    >>> x.round(4)
    array([0.9997, 2.0003])
    """

    name: str = "adadelta"
    """Update rule."""
    lr: float = 1.0
    """Base learning rate, which the schedule multiplies."""
    rho: float = 0.9
    """Decay of both means."""
    eps: float = 1e-6
    """Added inside both roots."""

    def vectors(self) -> tuple[str, ...]:
        return ("square", "moved")

    def update_(
        self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, lr: float, scale: float, count: int
    ) -> None:
        adaptive_update.adadelta(
            values, grads, state["square"], state["moved"], lr, self.rho, self.eps, self.weight_decay, scale, self.l1
        )

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield fraction("rho", self.rho)
        yield positive("eps", self.eps)
