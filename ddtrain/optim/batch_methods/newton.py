"""Newton's method with the whole Hessian: pure, damped, or within a trust region that leaves saddle points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf, isfinite
from typing import Literal

import numpy as np

from ddtrain.errors import UsageError
from ddtrain.optim.batch_methods.hessian import whole_hessian
from ddtrain.optim.batch_methods.line_search import backtrack
from ddtrain.optim.batch_methods.protocol import CurvatureMethod, Objective, dot
from ddtrain.optim.protocol import Vector, positive
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class Newton(CurvatureMethod):
    """Newton's method: the minimum, or the saddle point, of the quadratic model of the loss.

    With g the gradient and H the Hessian, of whose columns each is an exact Hessian-vector product:

        x ← x − lr · H⁻¹ g                                          (pure)
        x ← x − lr · 2⁻ʲ · |H|⁻¹ g, for a sufficient decrease        (damped; |H| has the sizes of H's eigenvalues)
        x ← x + p, the minimum of g·p + p·H p / 2 with ‖p‖ ≤ radius  (trust_region)

    The pure method goes to the nearest stationary point, whatever its kind, a saddle point or a maximum too. The other
    two descend: at a saddle point, along the direction of the most negative curvature. metrics.jsonl has the
    ``curvature`` along such steps. The trust region grows where the model foretold the decrease, and shrinks where it
    did not.

    References
    ----------
    Nocedal, Wright (2006), "Numerical optimization", sections 3.3 and 4.3. Moré, Sorensen (1983), "Computing a trust
    region step". Dauphin et al. (2014), arXiv:1406.2572, on |H|.

    Examples
    --------
    >>> Newton().vectors(), Newton(form="pure").vectors()
    (('radius',), ())
    """

    name: str = "newton"
    """Update rule."""
    form: Literal["trust_region", "damped", "pure"] = "trust_region"
    """What keeps a step from going astray; see the formula."""
    radius: float = 1.0
    """Of the first trust region."""
    most_parameters: int = 3000
    """A larger model is refused, as n parameters take n² numbers and n Hessian-vector products a step."""

    def vectors(self) -> tuple[str, ...]:
        return ("radius",) if self.form == "trust_region" else ()

    def step(
        self, objective: Objective, x: Vector, loss: float, gradient: Vector, state: Mapping[str, Vector], lr: float
    ) -> Vector:
        values, vectors = self._eigen(objective, x)
        objective.figures["curvature"] = 0.0
        g = vectors.T @ gradient.astype(np.float64)
        if self.form == "pure":
            return x - _along(objective, vectors, lr * (g / values), x)
        if self.form == "damped":
            sizes = np.maximum(np.abs(values), 1e-8 * np.abs(values).max(initial=1e-300))
            p = _off_saddle(-g / sizes, values)
            _say(objective, p, values)
            direction = _along(objective, vectors, p, x)
            slope = dot(objective, gradient, direction)
            found = backtrack(objective, x, loss, min(slope, 0.0), direction, lr)
            return x if found is None else found[1]
        return self._within_region(objective, x, loss, g, values, vectors, state["radius"])

    @property
    def matrix(self) -> Literal["", "hessian", "gauss_newton"]:
        return "hessian"

    def check_size(self, n: int, itemsize: int = 8, memory: float = inf) -> None:
        if n > self.most_parameters:
            gigabytes = 6 * n * n * 8 / 1e9  # the Hessian, its symmetric part, the eigenvectors, and LAPACK's work
            raise UsageError(
                f"--optim.name newton: {n:,} parameters take {gigabytes:,.1f} GB a rank for the Hessian and its "
                f"eigenvectors, and {n:,} products with it in every step, each the work of three gradients or more",
                remedy="Take --optim.name hessian_free or levenberg_marquardt, or raise --optim.most-parameters.",
            )

    def _eigen(self, objective: Objective, x: Vector) -> tuple[Vector, Vector]:
        """Eigenvalues and eigenvectors of the Hessian, rank 0's on all ranks."""
        hessian = whole_hessian(lambda v: objective.hessian_product(x, v), x)
        if not np.isfinite(hessian).all():
            raise UsageError("--optim.name newton: the Hessian is not finite", remedy="Begin nearer to a minimum.")
        values, vectors = np.linalg.eigh(hessian)
        return objective.agree(values), objective.agree(vectors)

    def _within_region(
        self, objective: Objective, x: Vector, loss: float, g: Vector, values: Vector, vectors: Vector, radius: Vector
    ) -> Vector:
        """The model's minimum within the region, which is made smaller until the loss falls."""
        size = float(radius[0]) or self.radius
        for _ in range(20):
            p = _subproblem(g, values, size)
            foretold = -float(g @ p + 0.5 * p @ (values * p))
            trial = x + _along(objective, vectors, p, x)
            found = objective.loss(trial)
            quality = (loss - found) / foretold if isfinite(found) and foretold > 0 else -1.0
            length = float(np.linalg.norm(p))
            if quality > 0.75 and length > 0.9 * size:
                size *= 2
            elif quality < 0.25:
                size = 0.25 * length
            if quality > 1e-4:
                _say(objective, p, values)
                radius[...] = size
                return trial
            if foretold <= 1e-14 * abs(loss):
                break
        radius[...] = size
        return x

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield positive("radius", self.radius)
        yield "most_parameters", self.most_parameters >= 1, "at least 1"


def _along(objective: Objective, vectors: Vector, p: Vector, x: Vector) -> Vector:
    """A step in the eigenvectors' coordinates as one of the parameters, rank 0's on all ranks."""
    return objective.agree((vectors @ p).astype(x.dtype))


def _say(objective: Objective, p: Vector, values: Vector) -> None:
    """Let the log have the curvature along a step, if it is negative."""
    squared = float(p @ p)
    objective.figures["curvature"] = min(0.0, float(p @ (values * p)) / squared) if squared else 0.0


def _off_saddle(p: Vector, values: Vector) -> Vector:
    """The step, with a share along the most negative curvature where the gradient has next to none there."""
    if values[0] < 0 and abs(p[0]) <= 1e-8 * max(1.0, float(np.linalg.norm(p))):
        p = p.copy()
        p[0] = 1e-2
    return p


def _subproblem(g: Vector, values: Vector, radius: float) -> Vector:
    """The minimum of ``g · p + Σ values p² / 2`` with ``‖p‖ <= radius``, by bisection of the multiplier.

    >>> _subproblem(np.array([0.0, 1.0]), np.array([-1.0, 2.0]), 1.0).round(3)  # the hard case: a saddle point
    array([ 0.943, -0.333])
    """
    if values[0] > 0:
        p = -g / values
        if np.linalg.norm(p) <= radius:
            return p
    low = max(0.0, -float(values[0]))
    beside = values - values[0] > 1e-12 * max(1.0, abs(float(values[0])))
    inside = np.where(beside, -g / np.where(beside, values + low, 1.0), 0.0)
    if values[0] <= 0 and np.linalg.norm(g[~beside]) <= 1e-12 * np.linalg.norm(g) and np.linalg.norm(inside) < radius:
        inside[0] = np.sqrt(radius**2 - float(inside @ inside))  # no gradient where the loss falls: either way will do
        return inside
    high = low + float(np.linalg.norm(g)) / radius + 1e-300
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        with np.errstate(divide="ignore", invalid="ignore"):
            longer = float(np.linalg.norm(g / (values + middle))) > radius
        low, high = (middle, high) if longer else (low, middle)
    found: Vector = -g / (values + high)
    return found
