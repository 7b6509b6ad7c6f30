"""Adam, and AdamW, which decays the weights beside the gradient instead of through it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ddtrain.kernels import optimizer_update
from ddtrain.optim.adaptive.moments import MomentMethod
from ddtrain.optim.protocol import Vector
from ddtrain.parts import register


@register
@dataclass(frozen=True)
class Adam(MomentMethod):
    """Adaptive moments: each element's step is its mean gradient over its root mean square gradient.

    With g the scaled gradient, x the values, m and v zero at first, t counting updates from 1:

        g ← g + weight_decay · x
        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        x ← x − lr · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
        x ← x − lr · m / (√v + ε)                                (without bias_correction)

    References
    ----------
    Kingma, Ba (2015), "Adam: a method for stochastic optimization", arXiv:1412.6980.

    Examples
    --------
    The first step is lr in every element, whatever the size of the gradient:

    >>> import numpy as np
    >>> x, g = np.array([1.0, 2.0]), np.array([1e-3, -1e3])
    >>> state = {name: np.zeros(2) for name in Adam().vectors()}
    >>> Adam().update_(x, g, state, lr=0.1, scale=1.0, count=1)
    >>> x.round(4)
    array([0.9, 2.1])
    """

    name: str = "adam"
    """Update rule."""
    bias_correction: bool = True
    """Divide the means, which begin at zero, by the weights that they have gathered; without it the first step is
    (1 - beta1) / sqrt(1 - beta2) times as large, 3.2 by default.
    """

    decoupled: ClassVar[bool] = False

    def update_(
        self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, lr: float, scale: float, count: int
    ) -> None:
        optimizer_update.adam(
            values,
            grads,
            state["m"],
            state["v"],
            lr,
            self.beta1,
            self.beta2,
            self.eps,
            self.weight_decay,
            self.decoupled,
            count,
            scale,
            self.bias_correction,
            self.l1,
        )


@register
@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled decay: x ← x − lr · weight_decay · x before its step, instead of L2 in the gradient.

    References
    ----------
    Loshchilov, Hutter (2019), "Decoupled weight decay regularization", arXiv:1711.05101.

    Examples
    --------
    >>> import numpy as np
    >>> x, state = np.ones(1), {name: np.zeros(1) for name in AdamW().vectors()}
    >>> AdamW(weight_decay=0.5).update_(x, np.zeros(1), state, lr=0.1, scale=1.0, count=1)
    >>> x
    array([0.95])
    """

    name: str = "adamw"
    """Update rule."""
    weight_decay: float = 0.01
    """Decay of the weights themselves, times the learning rate."""

    decoupled: ClassVar[bool] = True
