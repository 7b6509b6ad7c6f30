"""AdaMax: Adam with the infinity norm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ddtrain.kernels import moment_update
from ddtrain.optim.adaptive.moments import MomentMethod
from ddtrain.optim.protocol import Vector
from ddtrain.parts import register


@register
@dataclass(frozen=True)
class AdaMax(MomentMethod):
    """Adam that divides by a fading maximum of the size of its gradients.

    With g the scaled gradient plus weight_decay · x, x the values, m and u zero at first, t counting updates from 1:

        m ← β₁ m + (1 − β₁) g
        u ← max(β₂ u, |g| + ε)
        x ← x − lr · (m / (1 − β₁ᵗ)) / u

    References
    ----------
    Kingma, Ba (2015), arXiv:1412.6980, section 7.1. The definitions are PyTorch's.

    Examples
    --------
    >>> import numpy as np
    >>> x, method = np.array([1.0, 2.0]), AdaMax()
    >>> state = {name: np.zeros(2) for name in method.vectors()}
    >>> method.update_(x, np.array([4.0, -4.0]), state, lr=0.1, scale=1.0, count=1)
    >>> x.round(4)
    array([0.9, 2.1])
    """

    name: str = "adamax"
    """Update rule."""
    lr: float = 2e-3
    """Base learning rate, which the schedule multiplies."""
    beta2: float = 0.999
    """Decay of the largest size of the gradient."""
    eps: float = 1e-8
    """Added to the size of the gradient."""

    def vectors(self) -> tuple[str, ...]:
        return ("m", "largest")

    def update_(
        self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, lr: float, scale: float, count: int
    ) -> None:
        moment_update.adamax(
            values,
            grads,
            state["m"],
            state["largest"],
            lr,
            self.beta1,
            self.beta2,
            self.eps,
            self.weight_decay,
            count,
            scale,
            self.l1,
        )
