"""A cliff: one unit that is fed its own output fifty times, and descent on its loss from many starts at once."""

# S starts

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import ddtrain
import ddtrain.numpy as dnp
from ddtrain import grad, nn, ops, plan
from ddtrain.optim import Sgd
from examples.lectures.claims import expect
from examples.lectures.training import fitted

Array = np.ndarray[Any, Any]
Setting = tuple[float, float]  # learning rate, limit


def unit(parameters: Any) -> Any:
    """(S,): where the unit ends, for (2, S) pairs of w and b."""
    w, b = parameters
    h = 0.5 * np.ones(parameters.shape[1])
    for _ in range(50):
        h = ops.sigmoid(w * h + b)
    return h


def losses(parameters: Any) -> Any:
    """(S,): the squared distances from 0.7."""
    return (unit(parameters) - 0.7) ** 2


slope: Callable[[Array], Array] = plan.compile(grad(lambda parameters: dnp.sum(losses(parameters))))


def clipped(gradients: Array, kind: str, limit: float) -> Array:
    """(2, S), each of the S gradients by itself."""
    if kind == "norm":
        gradients = gradients * np.minimum(1.0, limit / np.maximum(np.hypot(*gradients), 1e-300))
    return np.clip(gradients, -limit, limit) if kind == "value" else gradients


def paths(kind: str, setting: Setting, starts: Array, steps: int) -> Array:
    """(steps + 1, 2, S), the starts (2, S) included."""
    rate, limit = setting
    points = [starts]
    for _ in range(steps):
        points.append(points[-1] - rate * clipped(slope(points[-1]), kind, limit))
    return np.array(points)


def starts(seed: int, count: int) -> Array:
    """(2, S): w in [4, 8], b in [-4, 0]."""
    return np.random.default_rng(seed).uniform([[4.0], [-4.0]], [[8.0], [0.0]], (2, count))


class Unit(nn.Module):
    """The same as a model, from one start."""

    def __init__(self, start: Array) -> None:
        self.parameters = nn.param((2, 1), lambda generator, shape: start.copy())

    def forward(self, x: Any) -> Any:
        return unit(self.parameters) + 0.0 * x


def same_as_trained(kind: str, steps: int) -> float:
    """How far the losses of a run of ``fit`` are from those of :func:`paths`, at most."""
    start, limit = np.array([[6.0], [-3.2]]), 0.1
    run = fitted(
        ddtrain.Task(Unit(start), lambda model, x: (model(x) - 0.7) ** 2, train=(np.zeros(1),)),
        dtype="float64",
        epochs=steps + 1,
        batch_size=1,
        optim=Sgd(lr=3.0, momentum=0.0),
        clip={} if kind == "none" else {kind: limit},
        checkpoint={"every": steps + 1},
        plan={"enabled": False},  # so few steps are not worth one
    )
    expect(run is not None, "the unit has diverged")
    alone = [float(losses(point)[0]) for point in paths(kind, (3.0, limit), start, steps)]
    return float(np.abs(run.history["loss"] - alone).max()) if run else np.inf
