"""The most negative curvature at a point, by Lanczos' method: what tells a saddle point from a minimum."""

# n parameters, K steps of Lanczos: vectors of the Krylov space are rows

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ddtrain.optim.batch_methods.protocol import Objective
from ddtrain.optim.protocol import Vector

_MOST = 20  # products; each keeps a vector


def negative_curvature(
    objective: Objective, product: Callable[[Vector], Vector], x: Vector, most: int = _MOST
) -> tuple[float, Vector] | None:
    """The lowest curvature that the Krylov space of a random direction shows, if it is negative.

    The direction is of normal numbers, so that it leaves out no eigenvector; those whose eigenvalues lie outermost are
    found first. Every vector is made orthogonal to all before, as rounding would otherwise find some again.

    Parameters
    ----------
    product : the Hessian times a vector
    x : (n,) gives size and dtype
    most : products at most; n are enough

    Returns
    -------
    The curvature v · H v, and v of length 1; None where none is negative beyond rounding: below −√ε times the largest.

    References
    ----------
    Lanczos (1950), "An iteration method for the solution of the eigenvalue problem". Nocedal, Wright (2006), "Numerical
    optimization", section 7.1. Golub, Van Loan (2013), "Matrix computations", section 10.3.
    """
    rows, count = _krylov(objective, product, x, min(most, x.size))
    basis, along = rows
    values, vectors = np.linalg.eigh(objective.agree(basis[:count] @ along[:count].T))
    objective.agree(values)
    if not values[0] < -_rounding(x) * np.abs(values).max():
        return None
    v = objective.agree(objective.agree(vectors)[:, 0] @ basis[:count])
    return float(values[0]), (v / np.linalg.norm(v)).astype(x.dtype)


def _krylov(
    objective: Objective, product: Callable[[Vector], Vector], x: Vector, most: int
) -> tuple[tuple[Vector, Vector], int]:
    """An orthonormal basis and its products, (K, n) each in float64, and how many of their rows are filled."""
    basis, along = np.zeros((most, x.size)), np.zeros((most, x.size))
    w, largest = objective.random_normal(x).astype(np.float64), 0.0
    for k in range(most):
        for _ in range(2):  # twice is enough (Kahan, Parlett)
            w = w - objective.agree(basis[:k] @ w) @ basis[:k]
        size = float(objective.agree(np.array([np.linalg.norm(w)]))[0])
        if size <= _rounding(x) * largest or size == 0:  # the space is complete
            return (basis, along), k
        basis[k] = w / size
        along[k] = product(basis[k].astype(x.dtype))
        w = along[k]
        largest = max(largest, float(objective.agree(np.array([np.linalg.norm(w)]))[0]))
    return (basis, along), most


def _rounding(x: Vector) -> float:
    """The root of the precision: curvature that is less, beside the largest, is that of a flat direction."""
    return float(np.sqrt(np.finfo(x.dtype).eps))
