"""Levenberg-Marquardt: Gauss-Newton with a damping that follows how well the quadratic model foretells the loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Literal

import numpy as np

from ddtrain.optim.batch_methods.linear_cg import TruncatedNewton
from ddtrain.optim.batch_methods.protocol import Objective, dot
from ddtrain.optim.protocol import Vector, positive
from ddtrain.parts import Range, register

_LEAST, _LARGEST = 1e-12, 1e12  # of the damping
_MOST = 20  # trials in a step; each has more damping, and a direction of its own


@register
@dataclass(frozen=True)
class LevenbergMarquardt(TruncatedNewton):
    """Gauss-Newton with damping λ, by conjugate gradients: (G + λ D) d = −g.

    G is the matrix of :class:`GaussNewton`, D the identity or the diagonal of G. With the gain ratio

        ρ = (L(x) − L(x + lr · d)) / (decrease that g and G foretell)

    the step is taken if ρ > 0.0001, and tried again with more damping if not:

        λ ← λ · max(1/3, 1 − (2 ρ − 1)³), ν ← 2  if taken;  λ ← λ · ν, ν ← 2 ν  if not    (nielsen; ν = 2 at first)
        λ ← λ / 10                               if taken;  λ ← 10 λ            if not    (marquardt)

    Much damping makes small steps along −D⁻¹ g, and little makes Gauss-Newton's. Where the loss is not convex in the
    outputs, see :meth:`TruncatedNewton.direction` for what is done about negative curvature of G. Of the Hessian's it
    sees nothing: it goes to stationary points, and stays at a saddle point; ``hessian_free`` leaves it.

    References
    ----------
    Levenberg (1944). Marquardt (1963), "An algorithm for least-squares estimation of nonlinear parameters". Nielsen
    (1999), "Damping parameter in Marquardt's method". Nocedal, Wright (2006), "Numerical optimization", section 10.3.
    Bekas, Kokiopoulou, Saad (2007), "An estimator for the diagonal of a matrix".

    Examples
    --------
    >>> LevenbergMarquardt().vectors(), LevenbergMarquardt(adaptation="marquardt").vectors()
    (('damping', 'growth'), ('damping',))
    """

    name: str = "levenberg_marquardt"
    """Update rule."""
    damping: float = 1e-2
    """The first λ."""
    adaptation: Literal["nielsen", "marquardt"] = "nielsen"
    """How λ follows the gain ratio; see the formula."""
    scaling: Literal["identity", "diagonal"] = "identity"
    """identity: every direction is damped alike
    diagonal: in proportion to the curvature along each parameter (Marquardt)
    """
    probes: int = 10
    """Products for the diagonal in a step: exact for so many parameters, else an estimate by random signs."""

    def vectors(self) -> tuple[str, ...]:
        return ("damping", "growth") if self.adaptation == "nielsen" else ("damping",)

    def step(
        self, objective: Objective, x: Vector, loss: float, gradient: Vector, state: Mapping[str, Vector], lr: float
    ) -> Vector:
        # with d = scale · e it is (scale G scale + λ) e = −scale · g: the same conjugate gradients, preconditioned by D
        scale = self._scale(objective, x) if self.scaling == "diagonal" else np.ones_like(x)
        damping, rounding = float(state["damping"][0]) or self.damping, float(np.finfo(x.dtype).eps)
        for _ in range(_MOST):
            found = self.direction(objective, self._damped(objective, x, scale, damping), scale * gradient)
            e, product = found.direction, found.product
            curvature = dot(objective, e, product) - damping * dot(objective, e, e)
            foretold = -lr * dot(objective, gradient, scale * e) - 0.5 * lr**2 * curvature
            if not foretold > rounding * abs(loss):  # a minimum, as far as the loss can tell
                return x
            trial = x + lr * scale * e
            lost = objective.loss(trial)
            quality = (loss - lost) / foretold if isfinite(lost) else -1.0
            damping = self._adapted(damping, quality, state)
            if quality > 1e-4:
                return trial
        return x

    def _damped(self, objective: Objective, x: Vector, scale: Vector, damping: float) -> Callable[[Vector], Vector]:
        return lambda v: scale * objective.gauss_newton_product(x, scale * v) + damping * v

    def _adapted(self, damping: float, quality: float, state: Mapping[str, Vector]) -> float:
        """The damping after a trial, which is remembered."""
        taken = quality > 1e-4
        if self.adaptation == "marquardt":
            factor = 0.1 if taken else 10.0
        else:
            growth = float(state["growth"][0]) or 2.0
            factor = max(1 / 3, 1 - (2 * min(quality, 1e3) - 1) ** 3) if taken else growth
            state["growth"][...] = 2.0 if taken else min(2 * growth, _LARGEST)
        state["damping"][...] = min(max(damping * factor, _LEAST), _LARGEST)
        return float(state["damping"][0])

    def _scale(self, objective: Objective, x: Vector) -> Vector:
        """One over the root of G's diagonal."""
        if x.size <= self.probes:
            units = np.eye(x.size, dtype=x.dtype)
            diagonal = np.array([objective.gauss_newton_product(x, unit)[k] for k, unit in enumerate(units)], x.dtype)
            floor = 1e-12 * diagonal.max(initial=0)
        else:
            signs = [objective.random_signs(x, k) for k in range(self.probes)]
            diagonal = sum((z * objective.gauss_newton_product(x, z) for z in signs), np.zeros_like(x)) / self.probes
            floor = 0.01 * np.abs(diagonal).mean()  # an estimate may be next to 0, or below
        diagonal = np.maximum(diagonal, floor)
        scale: Vector = (1 / np.sqrt(np.where(diagonal > 0, diagonal, 1))).astype(x.dtype)
        return objective.agree(scale)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield positive("damping", self.damping)
        yield "probes", self.probes >= 1, "at least 1"
