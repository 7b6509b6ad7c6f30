"""Linear conjugate gradients on the quadratic model of the loss, cut short: what truncated Newton methods share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from ddtrain.optim.batch_methods.protocol import CurvatureMethod, Objective, dot
from ddtrain.optim.protocol import Vector
from ddtrain.parts import Range


class Solution(NamedTuple):
    """What conjugate gradients have found of B d = −g.

    Attributes
    ----------
    direction, product : d, and B d
    beyond : to be added to d where they ended at a direction p of negative curvature: a step along p, as long as it
        would be if the curvature had the other sign, but no longer than d or 1. None where d is p itself, or there is
        none
    curvature : p · B p / p · p there, if it is below 0 beyond rounding; else 0
    """

    direction: Vector
    product: Vector
    beyond: Vector | None = None
    curvature: float = 0.0


@dataclass(frozen=True)
class TruncatedNewton(CurvatureMethod):
    """The base of methods that solve B d = −g by conjugate gradients, for which B times vectors is enough."""

    iterations: int = 50
    """Of conjugate gradients, at most, for a direction."""
    tolerance: float = 0.5
    """Part of the gradient that conjugate gradients may leave; less where it is small."""

    @property
    def matrix(self) -> Literal["", "hessian", "gauss_newton"]:
        return "gauss_newton"

    def direction(self, objective: Objective, product: Callable[[Vector], Vector], gradient: Vector) -> Solution:
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
        size, largest = squared, 0.0  # p · p, and the largest curvature so far
        for k in range(self.iterations):
            if squared <= wanted or squared == 0:
                break
            along = product(p)
            curvature = dot(objective, p, along)
            largest = max(largest, abs(curvature) / size)
            if curvature <= 0:
                bent = curvature / size if -curvature > np.finfo(p.dtype).eps ** 0.5 * largest * size else 0.0
                if k == 0:
                    return Solution(p, along, None, bent)
                longest = max(1.0, dot(objective, d, d) ** 0.5) / size**0.5
                beyond = min(squared / -curvature, longest) * p if bent else None
                return Solution(d, -gradient - r, beyond, bent)
            alpha = squared / curvature
            d, r = d + alpha * p, r - alpha * along
            before, squared = squared, dot(objective, r, r)
            p = r + (squared / before) * p
            size = squared + (squared / before) ** 2 * size  # as r is orthogonal to the last p
        return Solution(d, -gradient - r)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "iterations", self.iterations >= 1, "at least 1"
        yield "tolerance", 0 < self.tolerance < 1, "above 0 and below 1"
