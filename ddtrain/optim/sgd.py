"""Stochastic gradient descent with momentum, in three forms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ddtrain.kernels import optimizer_update
from ddtrain.optim.penalties import Penalized
from ddtrain.optim.protocol import Vector, fraction
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class Sgd(Penalized):
    """Gradient descent, with heavy-ball or Nesterov momentum, L2 weight decay and L1.

    With g the scaled gradient plus weight_decay · x, x the values, β the momentum, v the velocity (zero at first):

        pytorch:   v ← β v + g                x ← x − lr · v
        lecture:   v ← β v − lr · g           x ← x + v
        friction:  v ← v + (1 − β)(g − v)     x ← x − lr · v

    With Nesterov the value moves by what v would be after one more step with the same gradient:

        pytorch:   x ← x − lr · (g + β v)
        lecture:   x ← x + β v − lr · g
        friction:  x ← x − lr · (β v + (1 − β) g)

    Notes
    -----
    At a constant rate the three are one method: lecture's velocity is −lr times PyTorch's, and friction's (1 − β)
    times, so that its lr does as much as lr · (1 − β) does in the others. When the rate changes, the lecture's
    velocity keeps the steps that were taken, the others keep the gradients, and multiply all of them by the new rate.

    Under friction the velocity is that of a ball in a medium which is driven by the gradient: the friction 1 − β takes
    away what exceeds it, and a constant gradient is the speed that the ball ends up with. It is a mean of gradients, so
    that changing β leaves the size of the steps as it was.

    Weight decay is L2 in the gradient, as in PyTorch, and enters the velocity. Decay that is decoupled from the
    gradient is ``adamw``'s and ``lion``'s; without momentum the two are the same.

    References
    ----------
    Polyak (1964), "Some methods of speeding up the convergence of iteration methods".
    Sutskever, Martens, Dahl, Hinton (2013), "On the importance of initialization and momentum in deep learning": the
    lecture's form. Goodfellow, Bengio, Courville (2016), "Deep learning", section 8.3.2.

    Examples
    --------
    >>> Sgd(lr=0.05).vectors(), Sgd(momentum=0.0).vectors()
    (('velocity',), ())
    """

    name: str = "sgd"
    """Update rule."""
    lr: float = 0.1
    """Base learning rate, which the schedule multiplies."""
    momentum: float = 0.9
    """Decay of the velocity; 0: plain gradient descent."""
    momentum_form: Literal["pytorch", "lecture", "friction"] = "pytorch"
    """pytorch: the velocity is a sum of gradients, v = momentum v + g, and the rate multiplies it
    lecture: the rate is inside, v = momentum v - lr g, and the velocity is the step
    friction: the velocity is a mean of gradients, v = momentum v + (1 - momentum) g, and the rate multiplies it
    """
    nesterov: bool = False
    """Nesterov's form of momentum."""

    def vectors(self) -> tuple[str, ...]:
        return ("velocity",) if self.momentum else ()

    def update_(
        self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, lr: float, scale: float, count: int
    ) -> None:
        rate, gain = lr, 1.0  # of the velocity in the value, of the gradient in the velocity
        if self.momentum and self.momentum_form == "lecture":
            rate, gain = -1.0, -lr
        elif self.momentum and self.momentum_form == "friction":
            gain = 1.0 - self.momentum
        total_rate = rate * gain / (1.0 - self.momentum)  # of a gradient, over all steps that it enters
        optimizer_update.sgd(
            values,
            grads,
            state.get("velocity"),
            rate,
            self.momentum,
            self.nesterov,
            self.weight_decay,
            scale,
            gain,
            total_rate * self.l1,
        )

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield fraction("momentum", self.momentum)
        needs = "--optim.momentum above 0 with it, or leave it out"
        yield "nesterov", not self.nesterov or self.momentum > 0, needs
        yield "momentum_form", self.momentum_form == "pytorch" or self.momentum > 0, needs
