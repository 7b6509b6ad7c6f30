"""LARS: momentum whose rate is scaled, layer by layer, to the size of the weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ddtrain.kernels import optimizer_update
from ddtrain.optim.layerwise import LayerwiseOptim
from ddtrain.optim.protocol import Vector, fraction, not_negative
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class Lars(LayerwiseOptim):
    """Layer-wise adaptive rate scaling: a step moves every layer by a like share of its norm.

    With g the scaled gradient of a parameter tensor, x its values, v the velocity (zero at first):

        λ ← trust · ‖x‖ / (‖g‖ + weight_decay · ‖x‖)      (1 where ‖x‖ or ‖g‖ is 0, and without trust)
        v ← momentum · v + lr · λ · (g + weight_decay · x)
        x ← x − v

    Biases and norms are often left out: ``--optim.groups '*.bias, *norm*: trust=0, weight_decay=0'``.

    There is no l1: its threshold, rate · l1, would follow λ, and so shrink with the weights that it makes smaller, and
    jump where a layer is 0 and λ is 1.

    References
    ----------
    You, Gitman, Ginsburg (2017), "Large batch training of convolutional networks", arXiv:1708.03888, algorithm 1.

    Examples
    --------
    >>> Lars(trust=0.5).trust_ratio(3.0, 2.0)
    0.75
    """

    name: str = "lars"
    """Update rule."""
    lr: float = 1.0
    """Base learning rate, which the schedule multiplies."""
    momentum: float = 0.9
    """Of the velocity; 0: none."""
    weight_decay: float = 0.0
    """L2 penalty added to the gradient."""
    trust: float = 0.001
    """The share of its norm by which a layer moves at a rate of 1; 0: rates are not scaled."""

    def vectors(self) -> tuple[str, ...]:
        return ("velocity",) if self.momentum else ()

    def measure_(
        self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, scale: float, count: int
    ) -> tuple[float, float]:
        return optimizer_update.square_norm(values), scale * scale * optimizer_update.square_norm(grads)

    def trust_ratio(self, values_norm: float, compared_norm: float) -> float:
        if not (self.trust and values_norm and compared_norm):
            return 1.0
        return self.trust * values_norm / (compared_norm + self.weight_decay * values_norm)

    def update_(
        self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, lr: float, scale: float, count: int
    ) -> None:
        rate, gain = (-1.0, -lr) if self.momentum else (lr, 1.0)
        velocity = state.get("velocity")
        optimizer_update.sgd(values, grads, velocity, rate, self.momentum, False, self.weight_decay, scale, gain)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield fraction("momentum", self.momentum)
        yield not_negative("weight_decay", self.weight_decay)
        yield not_negative("trust", self.trust)
