"""The base rate, always."""

from __future__ import annotations

from dataclasses import dataclass

from ddtrain.optim.schedules.protocol import Decay, Schedule
from ddtrain.parts import register


def constant(t: float) -> float:
    """1, always."""
    return 1.0


@register
@dataclass(frozen=True)
class Constant(Schedule):
    """The base rate, always.

    >>> Constant().decay(base_lr=0.1, steps=4)(3)
    1.0
    """

    name: str = "constant"
    """The learning rate over time (t: steps since the warm-up)."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        return constant
