"""RAdam: Adam that warms up by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ddtrain.kernels import moment_update
from ddtrain.optim.adaptive.moments import MomentMethod
from ddtrain.optim.protocol import Vector
from ddtrain.parts import register


@register
@dataclass(frozen=True)
class RAdam(MomentMethod):
    """Adam with a rectified rate: plain momentum until the variance of its second moment is bounded.

    With g the scaled gradient plus weight_decay · x, x the values, m and v zero at first, t counting updates from 1:

        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        l ← 2 / (1 − β₂) − 1,  k ← l − 2 t β₂ᵗ / (1 − β₂ᵗ)
        r ← √((k − 4)(k − 2) l / ((l − 4)(l − 2) k))
        x ← x − lr · (m / (1 − β₁ᵗ)) · r √(1 − β₂ᵗ) / (√v + ε)    (k > 5)
        x ← x − lr · (m / (1 − β₁ᵗ))                              (otherwise)

    References
    ----------
    Liu et al. (2020), "On the variance of the adaptive learning rate and beyond", arXiv:1908.03265. The definitions are
    PyTorch's.

    Examples
    --------
    >>> import numpy as np
    >>> x, method = np.array([1.0, 2.0]), RAdam()
    >>> state = {name: np.zeros(2) for name in method.vectors()}
    >>> method.update_(x, np.array([4.0, -4.0]), state, lr=0.1, scale=1.0, count=1)
    >>> x.round(4)
    array([0.6, 2.4])
    """

    name: str = "radam"
    """Update rule."""

    def update_(
        self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, lr: float, scale: float, count: int
    ) -> None:
        moment_update.radam(
            values,
            grads,
            state["m"],
            state["v"],
            lr,
            self.beta1,
            self.beta2,
            self.eps,
            self.weight_decay,
            count,
            scale,
            self.l1,
        )
