"""NAdam: Adam with Nesterov momentum."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ddtrain.kernels import moment_update
from ddtrain.optim.adaptive.moments import MomentMethod
from ddtrain.optim.protocol import Vector, not_negative
from ddtrain.parts import Range, register

_NEGLIGIBLE = 2.0**-60  # subtracted from 1, it leaves 1


@register
@dataclass(frozen=True)
class NAdam(MomentMethod):
    """Adam that looks one step ahead, with a momentum μ that grows from half of β₁ to β₁.

    With g the scaled gradient plus weight_decay · x, x the values, m and v zero at first, t counting updates from 1:

        μₜ = β₁ (1 − 0.96^(t · momentum_decay) / 2),  Πₜ = μ₁ μ₂ … μₜ
        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        x ← x − lr · (g (1 − μₜ) / (1 − Πₜ) + m μₜ₊₁ / (1 − Πₜ₊₁)) / (√(v / (1 − β₂ᵗ)) + ε)

    References
    ----------
    Dozat (2016), "Incorporating Nesterov momentum into Adam", ICLR workshop. The definitions are PyTorch's.

    Examples
    --------
    >>> import numpy as np
    >>> x, method = np.array([1.0, 2.0]), NAdam()
    >>> state = {name: np.zeros(2) for name in method.vectors()}
    >>> method.update_(x, np.array([4.0, -4.0]), state, lr=0.1, scale=1.0, count=1)
    >>> x.round(4)
    array([0.8944, 2.1056])
    """

    name: str = "nadam"
    """Update rule."""
    lr: float = 2e-3
    """Base learning rate, which the schedule multiplies."""
    momentum_decay: float = 4e-3
    """How fast the momentum grows from half of beta1 to beta1."""

    def update_(
        self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, lr: float, scale: float, count: int
    ) -> None:
        product, next_product = (self._product(t) for t in (count, count + 1))
        moment_update.nadam(
            values,
            grads,
            state["m"],
            state["v"],
            lr,
            (1.0 - momentum(count, self.beta1, self.momentum_decay)) / (1.0 - product),
            momentum(count + 1, self.beta1, self.momentum_decay) / (1.0 - next_product),
            self.beta1,
            self.beta2,
            self.eps,
            self.weight_decay,
            count,
            scale,
            self.l1,
        )

    def _product(self, count: int) -> float:
        found = products(self.beta1, self.momentum_decay)
        return found[count] if count < len(found) else 0.0

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield not_negative("momentum_decay", self.momentum_decay)


def momentum(count: int, beta1: float, momentum_decay: float) -> float:
    """The momentum of an update, counted from 1.

    >>> momentum(1, 0.9, 0.0), round(momentum(10**6, 0.9, 0.004), 6)
    (0.45, 0.9)
    """
    return float(beta1 * (1.0 - 0.5 * 0.96 ** (count * momentum_decay)))


@functools.cache
def products(beta1: float, momentum_decay: float) -> tuple[float, ...]:
    """Products of the momenta of the first 0, 1, 2, ... updates, as far as they make a difference to 1.

    They depend on the count alone, so that the optimizer has no need to remember them.

    >>> [round(product, 4) for product in products(0.9, 0.0)[:3]]
    [1.0, 0.45, 0.2025]
    """
    found = [1.0]
    while found[-1] > _NEGLIGIBLE:
        found.append(found[-1] * momentum(len(found), beta1, momentum_decay))
    return tuple(found)
