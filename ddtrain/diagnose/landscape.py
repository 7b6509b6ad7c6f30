"""Directions in which a loss is drawn, and the losses on a line and on a plane.

Note [Filter normalisation]
Networks with ReLU or batch-norm compute the same with weights that are scaled, so a random direction shows a loss the
flatter the larger its weights are. Li et al. make each filter of a direction as long as the network's filter. A filter
is the weights that make one output: all places of an array but that on the last axis, where outputs stand. Biases, and
the scales and shifts of norms, have no direction, as in the paper.
"""

# n parameters, C checkpoints, A and B points on the two sides of a plane

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ddtrain import rng
from ddtrain.errors import UsageError
from ddtrain.optim.batch_methods.protocol import Objective
from ddtrain.optim.protocol import Vector
from ddtrain.param_store import ParamStore

Array = NDArray[np.float64]


def random_direction(store: ParamStore, x: Vector, seed: int, number: int) -> Array:
    """A random direction whose filters are as long as those of ``x`` (Note [Filter normalisation]).

    Parameters
    ----------
    store : knows where in the vector the parameters lie, and their shapes
    number : another number gives another direction

    Raises
    ------
    UsageError : no parameter has filters that are not zero

    References
    ----------
    Li, Xu, Taylor, Studer, Goldstein, arXiv:1712.09913, section 4.

    >>> store = ParamStore({"weight": np.array([[3.0, 0.0], [4.0, 0.0]]), "bias": np.ones(2)}, {}, np.float64)
    >>> found = random_direction(store, store.values, seed=0, number=0)
    >>> weight, bias = (found[span].reshape(view.shape) for span, view in zip(store.spans, store.value_views))
    >>> np.linalg.norm(weight, axis=0), bias
    (array([5., 0.]), array([0., 0.]))
    """
    drawn = rng.stream(seed, "landscape", number).standard_normal(x.size)
    found = np.zeros(x.size)
    for span, view in zip(store.spans, store.value_views, strict=True):
        if view.ndim >= 2:
            others = tuple(range(view.ndim - 1))
            d, w = drawn[span].reshape(view.shape), x[span].reshape(view.shape).astype(np.float64)
            lengths = np.sqrt((d**2).sum(others)), np.sqrt((w**2).sum(others))
            found[span] = (d * (lengths[1] / np.maximum(lengths[0], np.finfo(float).tiny))).ravel()
    if not found.any():
        raise UsageError(
            "landscape: all parameters of two axes or more are zero, or there is none: no filter has a length",
            remedy="Look at a later checkpoint, or at the plane of its path: --plane pca.",
        )
    return found


class Principal(NamedTuple):
    """The directions in which a path goes most.

    Attributes
    ----------
    axes : two, orthogonal and of length 1
    shares : of the squared way from the centre that lies along each
    """

    axes: tuple[Array, Array]
    shares: tuple[float, float]


def principal_directions(path: Sequence[Vector], centre: Vector) -> Principal:
    """The two principal components of a path around its end, by the products of its points with one another.

    Parameters
    ----------
    path : C points, at least two of which are neither the centre nor in one line with it

    Raises
    ------
    UsageError : there are not

    References
    ----------
    Li et al., arXiv:1712.09913, section 7.

    >>> found = principal_directions([np.array([3.0, 0, 0]), np.array([0, 1.0, 0])], np.zeros(3))
    >>> found.shares
    (0.9, 0.1)
    """
    ways = np.array([np.asarray(point, np.float64) - centre for point in path])
    values, vectors = np.linalg.eigh(ways @ ways.T)
    if len(values) < 2 or values[-2] <= 1e-12 * values[-1]:
        raise UsageError(
            f"landscape: the {len(ways)} checkpoint{'s' * (len(ways) != 1)} of the path span no plane",
            remedy="Keep more of them (--checkpoint.keep, --checkpoint.every), or take random directions.",
        )
    first, second = (vectors[:, at] @ ways / np.sqrt(values[at]) for at in (-1, -2))
    return Principal((first, second), (float(values[-1] / values.sum()), float(values[-2] / values.sum())))


def coordinates(points: Sequence[Vector], centre: Vector, axes: tuple[Array, Array]) -> Array:
    """(C, 2) where points lie on a plane: the nearest places, in units of its axes."""
    plane = np.array(axes)
    ways = np.array([np.asarray(point, np.float64) - centre for point in points])
    found: Array = np.linalg.solve(plane @ plane.T, plane @ ways.T).T
    return found


def losses_on_line(objective: Objective, one: Vector, other: Vector, at: Sequence[float]) -> Array:
    """The losses at ``(1 - t) one + t other``, for each t in ``at``. Collective.

    References
    ----------
    Goodfellow, Vinyals, Saxe, arXiv:1412.6544.
    """
    way = other.astype(np.float64) - one
    return np.array([objective.loss((one + t * way).astype(one.dtype)) for t in at])


def losses_on_plane(objective: Objective, centre: Vector, axes: tuple[Array, Array], a: Any, b: Any) -> Array:
    """(B, A) the losses at ``centre + a axes[0] + b axes[1]``. Collective."""
    first, second = axes
    rows = [[objective.loss((centre + p * first + q * second).astype(centre.dtype)) for p in a] for q in b]
    return np.array(rows)
