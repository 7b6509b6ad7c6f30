"""LAMB: Adam's direction, scaled layer by layer to the size of the weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ddtrain.kernels import layerwise_update
from ddtrain.optim.layerwise import LayerwiseOptim
from ddtrain.optim.protocol import Vector, fraction, not_negative, positive
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class Lamb(LayerwiseOptim):
    """Layer-wise adaptive moments for large batches: Adam's direction, with the norm of the weights.

    With g the scaled gradient of a parameter tensor, x its values, m and v zero at first, t counting updates from 1:

        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        u ← (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε) + weight_decay · x
        x ← x − lr · trust · ‖x‖ / ‖u‖ · u      (the ratio is 1 where a norm is 0, and without trust)

    There is no l1: its threshold, rate · l1, would follow the ratio, and so shrink with the weights that it makes
    smaller, and jump where a layer is 0 and the ratio is 1. The decay is part of u, as in the paper.

    References
    ----------
    You et al. (2020), "Large batch optimization for deep learning: training BERT in 76 minutes", arXiv:1904.00962,
    algorithm 2, with φ(z) = z.

    Examples
    --------
    >>> Lamb().trust_ratio(3.0, 2.0), Lamb(trust=0.0).trust_ratio(3.0, 2.0)
    (1.5, 1.0)
    """

    name: str = "lamb"
    """Update rule."""
    lr: float = 0.01
    """Base learning rate, which the schedule multiplies."""
    beta1: float = 0.9
    """Decay of the mean of the gradient."""
    beta2: float = 0.999
    """Decay of the mean of the squared gradient."""
    eps: float = 1e-6
    """Added to the denominator, after the root."""
    weight_decay: float = 0.01
    """Decay of the weights, beside the gradient."""
    trust: float = 1.0
    """The share of its norm by which a layer moves at a rate of 1; 0: rates are not scaled, as in AdamW."""

    def vectors(self) -> tuple[str, ...]:
        return ("m", "v")

    def measure_(
        self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, scale: float, count: int
    ) -> tuple[float, float]:
        of_values, of_direction = layerwise_update.lamb_moments(
            values,
            grads,
            state["m"],
            state["v"],
            self.beta1,
            self.beta2,
            self.eps,
            self.weight_decay,
            count,
            scale,
        )
        return float(of_values), float(of_direction)

    def trust_ratio(self, values_norm: float, compared_norm: float) -> float:
        if not (self.trust and values_norm and compared_norm):
            return 1.0
        return self.trust * values_norm / compared_norm

    def update_(
        self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, lr: float, scale: float, count: int
    ) -> None:
        layerwise_update.lamb(
            values, state["m"], state["v"], lr, self.beta1, self.beta2, self.eps, self.weight_decay, count
        )

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield fraction("beta1", self.beta1)
        yield fraction("beta2", self.beta2)
        yield positive("eps", self.eps)
        yield not_negative("weight_decay", self.weight_decay)
        yield not_negative("trust", self.trust)
