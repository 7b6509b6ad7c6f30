"""Lion: steps of one size, by the sign of a mean of gradients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ddtrain.kernels import adaptive_update
from ddtrain.optim.protocol import Optim, Vector, fraction, not_negative
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class Lion(Optim):
    """Every element moves by lr, against the sign of a mean of its gradients; decay is decoupled.

    There is no L1: a step does not get smaller where the gradient does, so that no threshold would hold a weight at 0.

    With g the scaled gradient, x the values, m zero at first:

        x ← x − lr · weight_decay · x
        x ← x − lr · sign(β₁ m + (1 − β₁) g)
        m ← β₂ m + (1 − β₂) g

    References
    ----------
    Chen et al. (2023), "Symbolic discovery of optimization algorithms", arXiv:2302.06675.

    Examples
    --------
    >>> import numpy as np
    >>> x, method = np.array([1.0, 2.0]), Lion()
    >>> state = {name: np.zeros(2) for name in method.vectors()}
    >>> method.update_(x, np.array([4.0, -4.0]), state, lr=0.1, scale=1.0, count=1)
    >>> x.round(4)
    array([0.9, 2.1])
    """

    name: str = "lion"
    """Update rule."""
    lr: float = 1e-4
    """Base learning rate, which the schedule multiplies."""
    beta1: float = 0.9
    """Weight of the mean in the step."""
    beta2: float = 0.99
    """Decay of the mean of the gradient."""
    weight_decay: float = 0.0
    """Decay of the weights themselves, times the learning rate."""

    def vectors(self) -> tuple[str, ...]:
        return ("m",)

    def update_(
        self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, lr: float, scale: float, count: int
    ) -> None:
        adaptive_update.lion(values, grads, state["m"], lr, self.beta1, self.beta2, self.weight_decay, scale)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield fraction("beta1", self.beta1)
        yield fraction("beta2", self.beta2)
        yield not_negative("weight_decay", self.weight_decay)
