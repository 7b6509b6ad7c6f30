"""What Adam and its kin share: two means, and their options."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ddtrain.optim.penalties import Penalized
from ddtrain.optim.protocol import fraction, positive
from ddtrain.parts import Range


@dataclass(frozen=True)
class MomentMethod(Penalized):
    """A method that divides a mean of gradients by a mean of their size."""

    lr: float = 1e-3
    """Base learning rate, which the schedule multiplies."""
    beta1: float = 0.9
    """Decay of the mean of the gradient."""
    beta2: float = 0.999
    """Decay of the mean of the squared gradient."""
    eps: float = 1e-8
    """Added to the denominator, after the root."""

    def vectors(self) -> tuple[str, ...]:
        return ("m", "v")

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield fraction("beta1", self.beta1)
        yield fraction("beta2", self.beta2)
        yield positive("eps", self.eps)
