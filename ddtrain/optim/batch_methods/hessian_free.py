"""Newton's method without the Hessian: conjugate gradients on the quadratic model, cut short."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ddtrain.optim.batch_methods.line_search import backtrack
from ddtrain.optim.batch_methods.linear_cg import TruncatedNewton
from ddtrain.optim.batch_methods.protocol import Objective, dot
from ddtrain.optim.protocol import Vector, not_negative, positive
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class HessianFree(TruncatedNewton):
    """Truncated Newton: H d = −g is solved by conjugate gradients, which need H times vectors alone.

    With B = H + damping · I:

        d ← CG on B d = −g, until ‖B d + g‖ ≤ min(tolerance, √‖g‖) · ‖g‖, ``iterations`` are over, or p · B p ≤ 0
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
    damping: float = 0.0
    """Added to the curvature in every direction (Levenberg, Marquardt)."""

    def vectors(self) -> tuple[str, ...]:
        return ()

    def step(
        self, objective: Objective, x: Vector, loss: float, gradient: Vector, state: Mapping[str, Vector], lr: float
    ) -> Vector:
        near = objective.curvature_gradient(x) if self._differs else gradient
        direction, _ = self.direction(objective, lambda v: self._product(objective, x, near, v), gradient)
        slope = dot(objective, gradient, direction)
        found = backtrack(objective, x, loss, min(slope, 0.0), direction, lr)
        return x if found is None else found[1]

    @property
    def _differs(self) -> bool:
        """Whether products are differences from another gradient than the batch's."""
        return self.products == "difference" and self.curvature_samples > 0

    def _product(self, objective: Objective, x: Vector, near: Vector, v: Vector) -> Vector:
        if self.products == "exact":
            product = objective.hessian_product(x, v)
        else:
            far = self.delta * (1.0 + dot(objective, x, x) ** 0.5) / max(dot(objective, v, v) ** 0.5, 1e-30)
            product = (objective.curvature_gradient(x + far * v) - near) / far
        return product + self.damping * v if self.damping else product

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield positive("delta", self.delta)
        yield not_negative("damping", self.damping)
