"""Newton's method without the Hessian: linear conjugate gradients on the quadratic model, cut short."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ddtrain.optim.batch_methods.lanczos import negative_curvature
from ddtrain.optim.batch_methods.line_search import backtrack
from ddtrain.optim.batch_methods.linear_cg import TruncatedNewton
from ddtrain.optim.batch_methods.protocol import Objective, dot
from ddtrain.optim.protocol import Vector, not_negative, positive
from ddtrain.parts import Range, register

Product = Callable[[Vector], Vector]


@register
@dataclass(frozen=True)
class HessianFree(TruncatedNewton):
    """Linear CG on the quadratic model (truncated Newton): H d = −g is solved by products with H alone.

    With B = H + damping · I:

        d ← CG on B d = −g, until ‖B d + g‖ ≤ min(tolerance, √‖g‖) · ‖g‖, ``iterations`` are over, or p · B p ≤ 0
        x ← x + lr · 2⁻ʲ · d, for a sufficient decrease

    Where a direction p of curvature 0 or less is met, as near a saddle point, d is p itself at first, and later what
    has been found so far; if the curvature is negative, with a step along p. Where the gradient is next to zero,
    Lanczos' method looks for negative curvature from a random direction, and if there is some, the step is along that:
    a saddle point is left, a minimum is not. metrics.jsonl has the ``curvature`` of such steps.

    Products H v are exact, or differences (∇L(x + δ v) − ∇L(x)) / δ of gradients.

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
        product: Product = lambda v: self._product(objective, x, near, v)
        objective.figures["curvature"] = 0.0
        # where a gradient is next to zero, as far as losses of this precision can tell
        if dot(objective, gradient, gradient) ** 0.5 <= np.finfo(x.dtype).eps ** 0.5 * (1 + abs(loss)):
            left = self._off_saddle(objective, x, loss, gradient, product, lr)
            if left is not None:
                return left
        damped: Product = (lambda v: product(v) + self.damping * v) if self.damping else product
        solved = self.direction(objective, damped, gradient)
        direction = solved.direction if solved.beyond is None else solved.direction + solved.beyond
        slope = dot(objective, gradient, direction)
        found = backtrack(objective, x, loss, min(slope, 0.0), direction, lr)
        if found is None:
            return x
        if solved.curvature:
            objective.figures["curvature"] = solved.curvature - self.damping
        return found[1]

    def _off_saddle(
        self,
        objective: Objective,
        x: Vector,
        loss: float,
        gradient: Vector,
        product: Product,
        lr: float,
    ) -> Vector | None:
        """A point along negative curvature, where there is some."""
        seen = negative_curvature(objective, product, x)
        if seen is None:
            return None
        curvature, v = seen
        slope = dot(objective, gradient, v)
        found = backtrack(objective, x, loss, -abs(slope), -v if slope > 0 else v, lr, curvature)
        if found is None:
            return None
        objective.figures["curvature"] = curvature
        return found[1]

    @property
    def matrix(self) -> Literal["", "hessian", "gauss_newton"]:
        return "hessian" if self.products == "exact" else ""

    @property
    def _differs(self) -> bool:
        """Whether products are differences from another gradient than the batch's."""
        return self.products == "difference" and self.curvature_samples > 0

    def _product(self, objective: Objective, x: Vector, near: Vector, v: Vector) -> Vector:
        if self.products == "exact":
            return objective.hessian_product(x, v)
        far = self.delta * (1.0 + dot(objective, x, x) ** 0.5) / max(dot(objective, v, v) ** 0.5, 1e-30)
        product: Vector = (objective.curvature_gradient(x + far * v) - near) / far
        return product

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield positive("delta", self.delta)
        yield not_negative("damping", self.damping)
