"""Newton's method without the Hessian: conjugate gradients on the quadratic model, cut short."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ddtrain.optim.batch_methods.line_search import backtrack
from ddtrain.optim.batch_methods.protocol import BatchMethod, Objective, dot
from ddtrain.optim.protocol import Vector, not_negative, positive
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class HessianFree(BatchMethod):
    """Truncated Newton: H d = −g is solved by conjugate gradients, which need H times vectors alone.

    With B = H + damping · I:

        d ← CG on B d = −g, until ‖B d + g‖ ≤ min(1/2, √‖g‖) · ‖g‖, ``iterations`` are over, or p · B p ≤ 0
        x ← x + lr · 2⁻ʲ · d, for a sufficient decrease

    Where a direction p of curvature 0 or less is met, as near a saddle point, d is what has been found so far, or p
    itself at first. Products H v are exact, or differences (∇L(x + δ v) − ∇L(x)) / δ of gradients.

    References
    ----------
    Dembo, Steihaug (1983), "Truncated-Newton algorithms for large-scale unconstrained optimization". Martens (2010),
    "Deep learning via Hessian-free optimization". Nocedal, Wright (2006), "Numerical optimization", algorithm 7.1.

    Examples
    --------
    >>> HessianFree().vectors()
    ()
    """

    name: str = "hessian_free"
    """Update rule."""
    products: Literal["exact", "difference"] = "exact"
    """exact: of the Hessian and a vector, by forward over reverse mode
    difference: of two gradients, at points delta apart
    """
    delta: float = 1e-4
    """Distance of the points whose gradients are compared, beside the size of the parameters."""
    iterations: int = 50
    """Of conjugate gradients, at most, in a step."""
    damping: float = 0.0
    """Added to the curvature in every direction (Levenberg, Marquardt)."""

    def vectors(self) -> tuple[str, ...]:
        return ()

    def step(
        self, objective: Objective, x: Vector, loss: float, gradient: Vector, state: Mapping[str, Vector], lr: float
    ) -> Vector:
        direction = self._solve(objective, x, gradient)
        slope = dot(objective, gradient, direction)
        found = backtrack(objective, x, loss, min(slope, 0.0), direction, lr)
        return x if found is None else found[1]

    def _solve(self, objective: Objective, x: Vector, gradient: Vector) -> Vector:
        """Conjugate gradients, from zero."""
        d, r, p = np.zeros_like(gradient), -gradient, -gradient
        squared = dot(objective, r, r)
        wanted = min(0.5, squared**0.25) ** 2 * squared
        for k in range(self.iterations):
            if squared <= wanted or squared == 0:
                break
            product = self._product(objective, x, gradient, p)
            curvature = dot(objective, p, product)
            if curvature <= 0:
                return p if k == 0 else d
            alpha = squared / curvature
            d, r = d + alpha * p, r - alpha * product
            before, squared = squared, dot(objective, r, r)
            p = r + (squared / before) * p
        return d

    def _product(self, objective: Objective, x: Vector, gradient: Vector, v: Vector) -> Vector:
        if self.products == "exact":
            product = objective.hessian_product(x, v)
        else:
            far = self.delta * (1.0 + dot(objective, x, x) ** 0.5) / max(dot(objective, v, v) ** 0.5, 1e-30)
            product = (objective.loss_and_gradient(x + far * v)[1] - gradient) / far
        return product + self.damping * v if self.damping else product

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield positive("delta", self.delta)
        yield "iterations", self.iterations >= 1, "at least 1"
        yield not_negative("damping", self.damping)
