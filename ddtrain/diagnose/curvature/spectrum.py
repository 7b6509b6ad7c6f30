"""The Hessian's eigenvalues: the outermost, the density of all, and their sum, by products with vectors alone.

Note [Two kinds of first vectors]
Outermost eigenvalues are looked for from normal numbers, as a vector of signs may be orthogonal to an eigenvector: that
of two weights which the loss treats alike has entries 1 and -1, and is missed by half of all signs. Density and trace
are of signs, whose v · H v varies less around the trace than that of normal numbers, by the Hessian's diagonal.
"""

# n parameters, R probes, K products of each

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.errors import NonFiniteError
from ddtrain.optim.batch_methods.lanczos import KrylovSpace, Product, rounding
from ddtrain.optim.batch_methods.protocol import Curved, Objective
from ddtrain.optim.protocol import Vector

_LOOK = 50  # products up to which convergence is looked at after each; then every tenth, as it takes K³ operations


@dataclass(frozen=True)
class Extremes:
    """The outermost eigenvalues.

    Attributes
    ----------
    smallest, largest : eigenvalues, of which the smallest is negative where the loss is not convex
    errors : of each of them; an eigenvalue lies within that of it
    known : whether each is known to the tolerance that was asked for
    products : Hessian-vector products that it took
    exact : whether all eigenvalues were seen, so that the condition number is that of the whole Hessian
    least : the eigenvalue nearest to 0 that was seen
    flat : the size up to which an eigenvalue may be 0, as far as numbers of this precision can tell
    """

    smallest: float
    largest: float
    errors: tuple[float, float]
    known: tuple[bool, bool]
    products: int
    exact: bool
    least: float
    flat: float

    @classmethod
    def of(
        cls,
        values: Vector,
        dtype: np.dtype[Any],
        errors: tuple[float, float] = (0.0, 0.0),
        known: tuple[bool, bool] = (True, True),
        exact: bool = True,
    ) -> Extremes:
        """The outermost of eigenvalues in rising order, each of which took a product.

        >>> found = Extremes.of(np.array([-1.0, 0.5, 4.0]), np.dtype(float))
        >>> found.condition, found.stable_lr
        (8.0, 0.5)
        """
        sizes = np.abs(values)
        flat = rounding(dtype) * float(sizes.max())
        least = float(values[sizes.argmin()])
        return cls(float(values[0]), float(values[-1]), errors, known, len(values), exact, least, flat)

    @property
    def stable_lr(self) -> float:
        """The largest rate at which gradient descent on the quadratic model does not diverge, 2 / λmax."""
        return 2 / self.largest if self.largest > 0 else math.inf

    @property
    def condition(self) -> float:
        """Largest over smallest size of an eigenvalue, infinite where that may be 0; of a Hessian that was not seen
        whole, it is that or more.
        """
        sizes = abs(self.smallest), abs(self.largest)
        least = abs(self.least) if self.exact else min(sizes)
        return max(sizes) / least if least > self.flat else math.inf


def extreme_eigenvalues(objective: Curved, x: Vector, most: int = 100, tolerance: float = 1e-6) -> Extremes:
    """The smallest and the largest eigenvalue of the Hessian at ``x``. Collective.

    Parameters
    ----------
    x : (n,) the point
    most : products at most, each of which keeps n numbers in float64; n are enough for any Hessian
    tolerance : relative error of an eigenvalue at which it is known; by the residual r of its vector and the gap to its
        neighbour the error is r² / gap (Kato, Temple). One that may be 0 is known when its error is as small

    Raises
    ------
    NonFiniteError : a product is not finite

    Examples
    --------
    See ``tests/diagnose/curvature/test_spectrum.py``, and :func:`ddtrain.runs.diagnosing.curvature` for a run's.

    References
    ----------
    Parlett (1998), "The symmetric eigenvalue problem", sections 10.7 and 13.2.
    """
    space = KrylovSpace(objective, finite(objective, x), objective.random_normal(x), x, most)
    good = 0
    while good < 2 and space.grow():  # twice in a row, as a vector may long look like another eigenvector
        k = space.count
        if k <= _LOOK or k % 10 == 0:
            good = good + 1 if all(_known(space, x.dtype, tolerance)[1]) else 0
    errors, known = _known(space, x.dtype, tolerance)
    exact = space.complete and space.count == x.size
    return Extremes.of(space.eigen()[0], x.dtype, errors, known, exact)


def _known(space: KrylovSpace, dtype: np.dtype[Any], tolerance: float) -> tuple[tuple[float, float], tuple[bool, bool]]:
    """Of the two outermost values: the residuals, and whether each is known."""
    if space.complete:
        return (0.0, 0.0), (True, True)
    values, vectors = space.eigen()
    first, last = (space.left * abs(float(vectors[-1, at])) for at in (0, -1))
    if len(values) == 1:
        return (first, last), (False, False)
    good = []
    for value, residual, gap in (
        (values[0], first, values[1] - values[0]),
        (values[-1], last, values[-1] - values[-2]),
    ):
        error = min(residual, residual**2 / gap) if gap > 0 else residual
        good.append(bool(error <= max(tolerance * abs(value), rounding(dtype) * np.abs(values).max())))
    return (first, last), (good[0], good[1])


@dataclass(frozen=True)
class Density:
    """Where the eigenvalues lie, as stochastic Lanczos quadrature knows it: points with weights.

    Attributes
    ----------
    n : of the Hessian
    points, weights : (R, K) of each probe; weights of a probe add up to 1
    traces : (R,) Hutchinson's estimates of the trace, v · H v
    """

    n: int
    points: NDArray[np.float64]
    weights: NDArray[np.float64]
    traces: NDArray[np.float64]

    @property
    def trace(self) -> float:
        """The sum of all eigenvalues, which is the mean of the probes' estimates."""
        return float(self.traces.mean())

    @property
    def trace_error(self) -> float:
        """The standard error of :attr:`trace`, infinite of one probe."""
        count = len(self.traces)
        return float(self.traces.std(ddof=1) / math.sqrt(count)) if count > 1 else math.inf

    def below(self, value: float) -> float:
        """The share of eigenvalues below a value.

        >>> Density(4, np.array([[-1.0, 2.0]]), np.array([[0.25, 0.75]]), np.array([5.0])).below(0.0)
        0.25
        """
        return float(np.where(self.points < value, self.weights, 0.0).sum(1).mean())

    def at(self, values: Any, width: float) -> NDArray[np.float64]:
        """The density of eigenvalues, with a normal curve of deviation ``width`` for each point; its integral is 1."""
        distances = (np.asarray(values, np.float64)[..., None, None] - self.points) / width
        curves = np.exp(-0.5 * distances**2) / (width * math.sqrt(2 * math.pi))
        density: NDArray[np.float64] = (self.weights * curves).sum(-1).mean(-1)
        return density


def spectral_density(objective: Objective, x: Vector, probes: int = 4, steps: int = 40) -> Density:
    """The density of the Hessian's eigenvalues at ``x``, from ``probes`` random vectors of signs. Collective.

    Parameters
    ----------
    steps : products of each probe; the density's first 2 · steps moments are those that the probe sees

    Raises
    ------
    NonFiniteError : a product is not finite

    References
    ----------
    Ubaru, Chen, Saad (2017), "Fast estimation of tr(f(A)) via stochastic Lanczos quadrature". Ghorbani, Krishnan, Xiao,
    arXiv:1901.10159. Hutchinson (1990), on the trace.
    """
    rows = min(steps, x.size)
    points, weights, traces = np.zeros((probes, rows)), np.zeros((probes, rows)), np.zeros(probes)
    for probe in range(probes):
        start = objective.random_signs(x, probe)
        space = KrylovSpace(objective, finite(objective, x), start, x, rows)
        while space.grow():
            pass
        values, vectors = space.eigen()
        points[probe, : space.count], weights[probe, : space.count] = values, vectors[0] ** 2
        traces[probe] = x.size * space.matrix[0, 0]
    return Density(x.size, points, weights, traces)


def finite(objective: Curved, x: Vector) -> Product:
    """Products with the Hessian at ``x``, which must be finite."""

    def product(v: Vector) -> Vector:
        found = objective.hessian_product(x, v)
        if not np.isfinite(found).all():
            bad = int(np.size(found) - np.isfinite(found).sum())
            raise NonFiniteError(
                f"curvature: {bad:,} of {np.size(found):,} numbers of a Hessian-vector product are not finite",
                remedy="Look at an earlier checkpoint, or in float64: --dtype float64.",
            )
        return found

    return product
