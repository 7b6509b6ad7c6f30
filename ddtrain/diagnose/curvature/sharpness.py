"""Sharpness: by how much the loss rises within a small box around a point, as Keskar et al. measure minima.

Note [Largest loss in a box]
The paper lets L-BFGS-B look for the largest loss, for ten iterations. So does this: a quasi-Newton direction among
the weights that do not stand at a side of the box and would leave it, then a step along it that is bent at the sides,
halved until the loss has risen enough (Bertsekas 1982). At first, when no curvature is known, the direction is the
corner of the box that the gradient points to: where the box is small, nothing rises faster.
"""

# n parameters, p coordinates of the box: n, or the dimensions of a random subspace

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ddtrain import rng
from ddtrain.errors import NonFiniteError
from ddtrain.optim.batch_methods.lbfgs import Lbfgs
from ddtrain.optim.batch_methods.line_search import DECREASE
from ddtrain.optim.batch_methods.protocol import Objective, dot
from ddtrain.optim.protocol import Vector

_MOST_HALVINGS = 20

LossAndGradient = Callable[[Vector], tuple[float, Vector]]


@dataclass(frozen=True)
class Sharpness:
    """The rise of the loss within a box.

    Attributes
    ----------
    percent : 100 · (largest − loss) / (1 + loss), the measure of the paper
    loss, largest : at the point, and the largest that was found in the box
    epsilon : of the box, whose side i is ε (|x_i| + 1) to both directions
    dimensions : of the box: n, or of a random subspace
    """

    percent: float
    loss: float
    largest: float
    epsilon: float
    dimensions: int


def sharpness(
    objective: Objective,
    x: Vector,
    epsilon: float = 1e-3,
    dimensions: int = 0,
    iterations: int = 10,
    seed: int = 0,
) -> Sharpness:
    """The sharpness of the loss at ``x``. Collective.

    Parameters
    ----------
    epsilon : of the box; the paper has 1e-3 and 5e-4
    dimensions : of a random subspace in which the box lies, 100 in the paper; 0: the whole space
    iterations : of the search for the largest loss
    seed : of the subspace

    Raises
    ------
    NonFiniteError : the loss at ``x`` is not finite

    References
    ----------
    Keskar, Mudigere, Nocedal, Smelyanskiy, Tang, arXiv:1609.04836, metric 2.1.
    """
    at_x, gradient = objective.loss_and_gradient(x)
    if not np.isfinite(at_x) or not np.isfinite(gradient).all():
        raise NonFiniteError(
            f"sharpness: the loss is {at_x} where it begins, or its gradient is not finite",
            remedy="Look at an earlier checkpoint.",
        )
    sides, to_space, to_box = _box(objective, x, epsilon, dimensions, seed)

    def of_box(z: Vector) -> tuple[float, Vector]:
        loss, g = objective.loss_and_gradient((x + to_space(z)).astype(x.dtype)) if z.any() else (at_x, gradient)
        return loss, to_box(g)

    largest = max(at_x, largest_in_box(objective, of_box, sides, iterations))
    return Sharpness(100 * (largest - at_x) / (1 + at_x), at_x, largest, epsilon, len(sides))


def _box(
    objective: Objective, x: Vector, epsilon: float, dimensions: int, seed: int
) -> tuple[Vector, Callable[[Vector], Vector], Callable[[Vector], Vector]]:
    """The sides of the box, the map from it into the space, and its transpose, which gradients take."""
    if not dimensions:
        return epsilon * (np.abs(x.astype(np.float64)) + 1), lambda z: z, lambda g: g.astype(np.float64)
    basis = rng.stream(seed, "sharpness").standard_normal((dimensions, x.size))
    basis /= np.linalg.norm(basis, axis=1, keepdims=True)
    # the pseudo-inverse of Aᵀ, with rows of A of length 1, by the small matrix A Aᵀ
    coordinates = np.linalg.solve(basis @ basis.T, basis @ x.astype(np.float64))
    sides = objective.agree(epsilon * (np.abs(coordinates) + 1))
    return (
        sides,
        lambda z: objective.agree(z @ basis),
        lambda g: objective.agree(basis @ g.astype(np.float64)),
    )


def largest_in_box(objective: Objective, function: LossAndGradient, sides: Vector, iterations: int = 10) -> float:
    """The largest value found of a function of z with −sides ≤ z ≤ sides, from z = 0 (Note [Largest loss in a box]).

    Parameters
    ----------
    function : its value and gradient; where it is not finite, nothing larger is looked for

    Examples
    --------
    >>> class Alone:
    ...     agree = staticmethod(lambda numbers: numbers)
    >>> bowl = lambda z: (float(-((z - 1) ** 2).sum()), -2 * (z - 1))
    >>> largest_in_box(Alone(), bowl, np.array([0.5, 2.0]))
    -0.25
    """
    formula = Lbfgs()
    state = {name: np.zeros(len(sides)) for name in formula.vectors()}
    z = np.zeros(len(sides))
    value, gradient = function(z)
    for _ in range(iterations):
        free = ~(((z >= sides) & (gradient > 0)) | ((z <= -sides) & (gradient < 0)))
        direction = _direction(objective, formula, state, gradient, free, sides, z)
        found = _bent_step(objective, function, z, value, gradient, direction, sides)
        if found is None:
            break
        after, value_after, gradient_after = found
        # of −f, as L-BFGS goes downwards
        formula.remember(objective, after - z, gradient - gradient_after, state)
        z, value, gradient = after, value_after, gradient_after
    return value


def _direction(
    objective: Objective,
    formula: Lbfgs,
    state: dict[str, Vector],
    gradient: Vector,
    free: Any,
    sides: Vector,
    z: Vector,
) -> Vector:
    """Upwards among the free coordinates: by the curvature that steps have shown, at first to the corner."""
    seen = {name: np.where(free, vector, 0.0) for name, vector in state.items()}
    for k in range(1, formula.history + 1):
        if dot(objective, seen[f"step{k}"], seen[f"change{k}"]) <= 0:  # curved otherwise, or not any more
            seen[f"change{k}"] = np.zeros(len(z))
    g = np.where(free, gradient, 0.0)
    if any(seen[f"change{k}"].any() for k in range(1, formula.history + 1)):
        direction = np.where(free, formula.times_inverse(objective, g, seen), 0.0)
        if dot(objective, direction, g) > 0:
            return direction
    return np.where(g > 0, sides - z, np.where(g < 0, -sides - z, 0.0))


def _bent_step(
    objective: Objective,
    function: LossAndGradient,
    z: Vector,
    value: float,
    gradient: Vector,
    direction: Vector,
    sides: Vector,
) -> tuple[Vector, float, Vector] | None:
    """The first of the steps 1, 1/2, 1/4 ... along the direction, bent at the sides, that raises the value enough."""
    length = 1.0
    for _ in range(_MOST_HALVINGS):
        trial = np.clip(z + length * direction, -sides, sides)
        rise = dot(objective, gradient, trial - z)
        if rise <= 0:
            return None
        found, slope = function(trial)
        if np.isfinite(found) and np.isfinite(slope).all() and found >= value + DECREASE * rise:
            return trial, found, slope
        length *= 0.5
    return None
