"""A fall as 1 / t."""

from __future__ import annotations

from dataclasses import dataclass

from ddtrain.optim.schedules.protocol import Decay, EveryDecay
from ddtrain.parts import register


def inverse(t: float, every: int, factor: float) -> float:
    """1 / (1 + factor · t / every), slow enough for convergence by Robbins and Monro (1951).

    >>> [inverse(t, every=2, factor=1.0) for t in (0, 2, 6)]
    [1.0, 0.5, 0.25]
    """
    return 1.0 / (1.0 + factor * t / every)


@register
@dataclass(frozen=True)
class Inverse(EveryDecay):
    """Divided by ``1 + factor * t / decay_every``.

    References
    ----------
    Robbins, Monro (1951), "A stochastic approximation method". Bottou (2012), "Stochastic gradient descent tricks".

    >>> decay = Inverse(decay_every=2, factor=1.0).decay(base_lr=0.1, steps=8)
    >>> [decay(t) for t in (0, 2, 6)]
    [1.0, 0.5, 0.25]
    """

    name: str = "inverse"
    """The learning rate over time (t: time since the warm-up)."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        return lambda t: inverse(t, self.decay_every, self.factor)
