"""AMSGrad: Adam whose second moment never falls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ddtrain.kernels import moment_update
from ddtrain.optim.adaptive.moments import MomentMethod
from ddtrain.optim.protocol import Vector
from ddtrain.parts import register


@register
@dataclass(frozen=True)
class AmsGrad(MomentMethod):
    """Adam that divides by the largest second moment so far, so that its rates never rise.

    With g the scaled gradient plus weight_decay · x, x the values, m, v and w zero at first, t counting updates from 1:

        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        w ← max(w, v)
        x ← x − lr · (m / (1 − β₁ᵗ)) / (√(w / (1 − β₂ᵗ)) + ε)

    References
    ----------
    Reddi, Kale, Kumar (2018), "On the convergence of Adam and beyond". The definitions are PyTorch's.

    Examples
    --------
    >>> import numpy as np
    >>> x, method = np.array([1.0, 2.0]), AmsGrad()
    >>> state = {name: np.zeros(2) for name in method.vectors()}
    >>> method.update_(x, np.array([4.0, -4.0]), state, lr=0.1, scale=1.0, count=1)
    >>> x.round(4)
    array([0.9, 2.1])
    """

    name: str = "amsgrad"
    """Update rule."""

    def vectors(self) -> tuple[str, ...]:
        return ("m", "v", "largest")

    def update_(
        self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, lr: float, scale: float, count: int
    ) -> None:
        moment_update.amsgrad(
            values,
            grads,
            state["m"],
            state["v"],
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
