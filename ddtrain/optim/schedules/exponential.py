"""A fall by one factor in equal times."""

from __future__ import annotations

from dataclasses import dataclass

from ddtrain.optim.schedules.protocol import Decay, EveryDecay
from ddtrain.parts import register


def exponential(t: float, every: int, factor: float) -> float:
    """The staircase made smooth: a fall by ``factor`` over any ``every`` steps.

    >>> [exponential(t, every=2, factor=0.25) for t in range(3)]
    [1.0, 0.5, 0.25]
    """
    return float(factor ** (t / every))


@register
@dataclass(frozen=True)
class Exponential(EveryDecay):
    """Times ``factor ** (t / decay_every)``: the lectures' α₀ exp(−k t) with k = −ln(factor) / decay_every.

    References
    ----------
    Szegedy, Vanhoucke, Ioffe, Shlens, Wojna (2015), "Rethinking the Inception architecture for computer vision",
    arXiv:1512.00567: 0.94 every two epochs.

    >>> decay = Exponential(decay_every=2, factor=0.25).decay(base_lr=0.1, steps=8)
    >>> [decay(t) for t in range(3)]
    [1.0, 0.5, 0.25]
    """

    name: str = "exponential"
    """The learning rate over time (t: time since the warm-up)."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        return lambda t: exponential(t, self.decay_every, self.factor)
