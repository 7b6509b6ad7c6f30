"""Searches along a line: by halving to a sufficient decrease, and to the strong Wolfe conditions."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from ddtrain.optim.batch_methods.protocol import Objective, dot
from ddtrain.optim.protocol import Vector

DECREASE = 1e-4  # the share of the decrease that the slope promises which a step must bring (Armijo's condition)
_MOST = 25  # trials; each halves the step, or what is left of an interval


@dataclass(frozen=True)
class Point:
    """A point on the line, ``x + length * direction``.

    Attributes
    ----------
    slope : the derivative of the loss along the direction
    """

    length: float
    x: Vector
    loss: float
    gradient: Vector
    slope: float


def backtrack(
    objective: Objective,
    x: Vector,
    loss: float,
    slope: float,
    direction: Vector,
    length: float,
    curvature: float = 0.0,
) -> tuple[float, Vector] | None:
    """The first of the lengths ``length``, a half of it, a quarter ... that decreases the loss enough.

    Parameters
    ----------
    slope, curvature : derivatives of the loss along the direction, neither above 0: what a decrease is measured by

    Returns
    -------
    The length and the point; None where none of them does, as at a minimum to rounding.
    """
    for _ in range(_MOST):
        trial = x + length * direction
        found = objective.loss(trial)
        if isfinite(found) and found <= loss + DECREASE * length * (slope + 0.5 * length * curvature):
            return length, trial
        length *= 0.5
    return None


def strong_wolfe(
    objective: Objective, start: Point, direction: Vector, length: float, curvature: float
) -> Point | None:
    """A point with a sufficient decrease whose slope is at most ``curvature`` of the first one, in size.

    Parameters
    ----------
    start : of length 0, with a slope below 0
    curvature : 0.9 for quasi-Newton methods, 0.1 for conjugate gradients

    Returns
    -------
    None where none is found, as at a minimum to rounding.

    References
    ----------
    Nocedal, Wright (2006), "Numerical optimization", algorithms 3.5 and 3.6; trial points by bisection, and by
    doubling, of which neither depends on how values round.
    """
    before = start
    for k in range(_MOST):
        now = _at(objective, start, direction, length)
        if not isfinite(now.loss) or _too_high(now, start) or (k and now.loss >= before.loss):
            return _zoom(objective, start, direction, before, now, curvature)
        if abs(now.slope) <= -curvature * start.slope:
            return now
        if now.slope >= 0:
            return _zoom(objective, start, direction, now, before, curvature)
        before, length = now, 2.0 * length
    return before if before.length else None


def _zoom(
    objective: Objective, start: Point, direction: Vector, low: Point, high: Point, curvature: float
) -> Point | None:
    """Halve the interval between two points, of which ``low`` is the better, until one will do."""
    for _ in range(_MOST):
        now = _at(objective, start, direction, 0.5 * (low.length + high.length))
        if not isfinite(now.loss) or _too_high(now, start) or now.loss >= low.loss:
            high = now
        else:
            if abs(now.slope) <= -curvature * start.slope:
                return now
            if now.slope * (high.length - low.length) >= 0:
                high = low
            low = now
    return low if low.length else None


def _too_high(point: Point, start: Point) -> bool:
    return point.loss > start.loss + DECREASE * point.length * start.slope


def _at(objective: Objective, start: Point, direction: Vector, length: float) -> Point:
    x = start.x + length * direction
    loss, gradient = objective.loss_and_gradient(x)
    return Point(length, x, loss, gradient, dot(objective, gradient, direction))
