"""SAM: the gradient at the worst point nearby, so that descent leads to flat minima."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from ddtrain.kernels import optimizer_update
from ddtrain.optim.probing import ProbingOptim
from ddtrain.optim.protocol import Vector, fraction, not_negative
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class Sam(ProbingOptim):
    """Sharpness-aware minimisation, over gradient descent with momentum; a step costs two gradients.

    With g(x) the gradient of the global batch at the values x, v the velocity (zero at first):

        ĝ ← g(x + rho · g(x) / ‖g(x)‖) + weight_decay · x
        v ← momentum · v + ĝ
        x ← x − lr · v

    Both gradients are of the same batch, with the same dropout, and the norm is that of all parameters together. What
    batch-norm remembers is of the first.

    References
    ----------
    Foret, Kleiner, Mobahi, Neyshabur (2021), "Sharpness-aware minimization for efficiently improving generalization",
    arXiv:2010.01412, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([1.0, 2.0])
    >>> Sam(rho=0.5).probe_(x, np.array([3.0, 4.0]), {}, scale=0.2)
    >>> x
    array([1.3, 2.4])
    """

    by_gradient: ClassVar[bool] = True

    name: str = "sam"
    """Update rule."""
    lr: float = 0.1
    """Base learning rate, which the schedule multiplies."""
    momentum: float = 0.9
    """Of the velocity; 0: none."""
    rho: float = 0.05
    """How far away the worst point is looked for."""

    def vectors(self) -> tuple[str, ...]:
        return ("velocity",) if self.momentum else ()

    def probe_(self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, scale: float) -> None:
        optimizer_update.add_scaled_(values, grads, self.rho * scale)

    def update_(
        self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, lr: float, scale: float, count: int
    ) -> None:
        threshold = lr * self.l1 / (1.0 - self.momentum)
        velocity = state.get("velocity")
        optimizer_update.sgd(
            values, grads, velocity, lr, self.momentum, False, self.weight_decay, scale, 1.0, threshold
        )

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield fraction("momentum", self.momentum)
        yield not_negative("rho", self.rho)
