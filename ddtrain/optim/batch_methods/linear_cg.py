"""Linear conjugate gradients on the quadratic model of the loss, cut short: what truncated Newton methods share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ddtrain.optim.batch_methods.protocol import CurvatureMethod, Objective, dot
from ddtrain.optim.protocol import Vector
from ddtrain.parts import Range


@dataclass(frozen=True)
class TruncatedNewton(CurvatureMethod):
    """The base of methods that solve B d = −g by conjugate gradients, for which B times vectors is enough."""

    iterations: int = 50
    """Of conjugate gradients, at most, for a direction."""
    tolerance: float = 0.5
    """Part of the gradient that conjugate gradients may leave; less where it is small."""

    def direction(
        self, objective: Objective, product: Callable[[Vector], Vector], gradient: Vector
    ) -> tuple[Vector, Vector]:
        """The direction d, and B d.

        From zero, until ‖B d + g‖ ≤ min(tolerance, √‖g‖) · ‖g‖, ``iterations`` are over, or p · B p ≤ 0. Where a
        direction p of curvature 0 or less is met, as near a saddle point, d is what has been found so far, or p itself
        at first.

        Parameters
        ----------
        product : B times a vector

        References
        ----------
        Dembo, Steihaug (1983), "Truncated-Newton algorithms for large-scale unconstrained optimization". Nocedal,
        Wright (2006), "Numerical optimization", algorithm 7.1.
        """
        d, r, p = np.zeros_like(gradient), -gradient, -gradient
        squared = dot(objective, r, r)
        wanted = min(self.tolerance, squared**0.25) ** 2 * squared
        for k in range(self.iterations):
            if squared <= wanted or squared == 0:
                break
            along = product(p)
            curvature = dot(objective, p, along)
            if curvature <= 0:
                return (p, along) if k == 0 else (d, -gradient - r)
            alpha = squared / curvature
            d, r = d + alpha * p, r - alpha * along
            before, squared = squared, dot(objective, r, r)
            p = r + (squared / before) * p
        return d, -gradient - r

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "iterations", self.iterations >= 1, "at least 1"
        yield "tolerance", 0 < self.tolerance < 1, "above 0 and below 1"
