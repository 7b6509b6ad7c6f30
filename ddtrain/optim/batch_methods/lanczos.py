"""Lanczos' method: the Hessian within the space of a vector and its products, and the most negative curvature there.

What tells a saddle point from a minimum here, and finds eigenvalues and their density in ``diagnose/curvature``.
"""

# n parameters, K steps of Lanczos: vectors of the Krylov space are rows

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ddtrain.optim.batch_methods.protocol import Curved
from ddtrain.optim.protocol import Vector

_MOST = 20  # products; each keeps a vector

Product = Callable[[Vector], Vector]


class KrylovSpace:
    """The space of a vector v, H v, H² v and so on, grown by a product at a time. Its methods are collective.

    Every vector is made orthogonal to all before, as rounding would otherwise find some again.

    Parameters
    ----------
    product : the Hessian times a vector
    start : (n,) the first vector, of any length
    x : (n,) gives the dtype that products are of
    most : products at most; n are enough

    Attributes
    ----------
    basis : (K, n) orthonormal rows in float64, of which ``count`` are filled
    matrix : (K, K) the Hessian within the space
    left : how long the part of the latest product is that lies outside of the space

    References
    ----------
    Lanczos (1950), "An iteration method for the solution of the eigenvalue problem". Golub, Van Loan (2013), "Matrix
    computations", section 10.3.
    """

    def __init__(self, objective: Curved, product: Product, start: Vector, x: Vector, most: int) -> None:
        self._objective, self._product, self._dtype = objective, product, x.dtype
        self.count, self._most = 0, min(most, start.size)
        self.basis, self.matrix = np.zeros((self._most, start.size)), np.zeros((self._most, self._most))
        self._next, self._largest = start.astype(np.float64), 0.0
        self.left = self._length(self._next)

    @property
    def complete(self) -> bool:
        """Whether the Hessian leads nowhere out of the space, so that its eigenvalues there are the Hessian's."""
        return bool(self.left <= rounding(self._dtype) * self._largest or self.left == 0)

    def grow(self) -> bool:
        """Add a vector, with one product; False where there is none left."""
        k = self.count
        if self.complete or k == self._most:
            return False
        self.basis[k] = self._next / self.left
        along = np.asarray(self._product(self.basis[k].astype(self._dtype)), np.float64)
        self._largest = max(self._largest, self._length(along))
        self.matrix[: k + 1, k] = self._objective.agree(self.basis[: k + 1] @ along)
        self.matrix[k, :k] = self.matrix[:k, k]
        self.count = k + 1
        for _ in range(2):  # twice is enough (Kahan, Parlett)
            along = along - self._objective.agree(self.basis[: k + 1] @ along) @ self.basis[: k + 1]
        self._next, self.left = along, self._length(along)
        return True

    def eigen(self) -> tuple[Vector, Vector]:
        """Eigenvalues of the Hessian within the space, rising, and eigenvectors as columns; rank 0's on all ranks."""
        values, vectors = np.linalg.eigh(self.matrix[: self.count, : self.count])
        return self._objective.agree(values), self._objective.agree(vectors)

    def _length(self, w: Vector) -> float:
        return float(self._objective.agree(np.array([np.linalg.norm(w)]))[0])


def negative_curvature(
    objective: Curved, product: Product, x: Vector, most: int = _MOST
) -> tuple[float, Vector] | None:
    """The lowest curvature that the Krylov space of a random direction shows, if it is negative.

    The direction is of normal numbers, so that it leaves out no eigenvector; those whose eigenvalues lie outermost are
    found first.

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
    Nocedal, Wright (2006), "Numerical optimization", section 7.1.
    """
    space = KrylovSpace(objective, product, objective.random_normal(x), x, most)
    while space.grow():
        pass
    values, vectors = space.eigen()
    if not values[0] < -rounding(x.dtype) * np.abs(values).max():
        return None
    v = objective.agree(vectors[:, 0] @ space.basis[: space.count])
    return float(values[0]), (v / np.linalg.norm(v)).astype(x.dtype)


def rounding(dtype: np.dtype[np.floating]) -> float:
    """The root of the precision: curvature that is less, beside the largest, is that of a flat direction."""
    return float(np.sqrt(np.finfo(dtype).eps))
