"""Gauss-Newton: the curvature of the loss in the model's outputs, without that of the outputs in the parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ddtrain.optim.batch_methods.line_search import backtrack
from ddtrain.optim.batch_methods.linear_cg import TruncatedNewton
from ddtrain.optim.batch_methods.protocol import Objective, dot
from ddtrain.optim.protocol import Vector, not_negative
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class GaussNewton(TruncatedNewton):
    """Gauss-Newton, by conjugate gradients: (G + damping · I) d = −g.

    With J the Jacobian of the model's outputs in the parameters, and H the Hessian of the mean loss in the outputs:

        G = Jᵀ H J
        x ← x + lr · 2⁻ʲ · d, for a sufficient decrease     (damped)
        x ← x + lr · d                                      (pure)

    G is never negative where the loss is convex in the outputs, as squared errors and cross-entropy are, and is the
    Hessian where the model is linear. The matrix is never formed; a product with it is exact. As G sees nothing of
    negative curvature, the method goes to stationary points, and stays at a saddle point; ``hessian_free`` leaves it.

    References
    ----------
    Schraudolph (2002), "Fast curvature matrix-vector products for second-order gradient descent". Nocedal, Wright
    (2006), "Numerical optimization", section 10.3.

    Examples
    --------
    >>> GaussNewton().vectors()
    ()
    """

    name: str = "gauss_newton"
    """Update rule."""
    form: Literal["damped", "pure"] = "damped"
    """damped: the step is halved until the loss has decreased enough
    pure: it is taken as it is
    """
    damping: float = 0.0
    """Added to the curvature in every direction; levenberg_marquardt finds its own."""

    def vectors(self) -> tuple[str, ...]:
        return ()

    def step(
        self, objective: Objective, x: Vector, loss: float, gradient: Vector, state: Mapping[str, Vector], lr: float
    ) -> Vector:
        direction = self.direction(objective, lambda v: self._product(objective, x, v), gradient).direction
        if self.form == "pure":
            return x + lr * direction
        slope = dot(objective, gradient, direction)
        found = backtrack(objective, x, loss, min(slope, 0.0), direction, lr)
        return x if found is None else found[1]

    def _product(self, objective: Objective, x: Vector, v: Vector) -> Vector:
        product = objective.gauss_newton_product(x, v)
        return product + self.damping * v if self.damping else product

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield not_negative("damping", self.damping)
