"""Steepest descent and nonlinear conjugate gradients, each with a line search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ddtrain.optim.batch_methods.line_search import Point, backtrack, strong_wolfe
from ddtrain.optim.batch_methods.protocol import BatchMethod, Objective, dot
from ddtrain.optim.protocol import Vector
from ddtrain.parts import register


@register
@dataclass(frozen=True)
class LineSearch(BatchMethod):
    """Gradient descent whose step is halved until the loss has decreased enough: x ← x − lr · 2⁻ʲ · g.

    References
    ----------
    Armijo (1966), "Minimization of functions having Lipschitz continuous first partial derivatives".

    Examples
    --------
    >>> LineSearch().vectors()
    ()
    """

    name: str = "line_search"
    """Update rule."""

    def vectors(self) -> tuple[str, ...]:
        return ()

    def step(
        self, objective: Objective, x: Vector, loss: float, gradient: Vector, state: Mapping[str, Vector], lr: float
    ) -> Vector:
        found = backtrack(objective, x, loss, -dot(objective, gradient, gradient), -gradient, lr)
        return x if found is None else found[1]


@register
@dataclass(frozen=True)
class NonlinearCg(BatchMethod):
    """Nonlinear conjugate gradients, to the strong Wolfe conditions.

    With g the gradient, g₀ and d₀ those of the step before:

        β ← ‖g‖² / ‖g₀‖²                        (fletcher_reeves)
        β ← max(0, g · (g − g₀) / ‖g₀‖²)        (polak_ribiere, the + form)
        d ← −g + β · d₀                         (−g at first, and where d is no descent)
        x ← x + α · d

    References
    ----------
    Fletcher, Reeves (1964). Polak, Ribière (1969). Nocedal, Wright (2006), "Numerical optimization", section 5.2.

    Examples
    --------
    >>> NonlinearCg().vectors()
    ('gradient', 'direction')
    """

    name: str = "nonlinear_cg"
    """Update rule."""
    beta: Literal["polak_ribiere", "fletcher_reeves"] = "polak_ribiere"
    """How much of the last direction is kept."""

    def vectors(self) -> tuple[str, ...]:
        return ("gradient", "direction")

    def step(
        self, objective: Objective, x: Vector, loss: float, gradient: Vector, state: Mapping[str, Vector], lr: float
    ) -> Vector:
        before, direction = state["gradient"], -gradient
        squared = dot(objective, before, before)
        if squared > 0:
            change = gradient if self.beta == "fletcher_reeves" else gradient - before
            weight = dot(objective, gradient, change) / squared
            direction = direction + max(0.0, weight) * state["direction"]
        slope = dot(objective, gradient, direction)
        if slope >= 0:
            direction, slope = -gradient, -dot(objective, gradient, gradient)
        state["gradient"][...], state["direction"][...] = gradient, direction
        if slope == 0:
            return x
        length = lr / np.sqrt(-slope) if squared == 0 else lr
        found = strong_wolfe(objective, Point(0.0, x, loss, gradient, slope), direction, float(length), 0.1)
        if found is None:  # begin anew from steepest descent
            state["gradient"][...] = 0
            return x
        return found.x
