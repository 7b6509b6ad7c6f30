"""All eigenvalues of the whole Hessian; and whether the machine has the memory for it."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from ddtrain.diagnose.curvature.spectrum import finite
from ddtrain.errors import UsageError
from ddtrain.optim.batch_methods.hessian import whole_hessian
from ddtrain.optim.batch_methods.protocol import Curved
from ddtrain.optim.protocol import Vector

_CUBED_PER_S = 1e10  # what LAPACK does of n³ on a core, in a second
_MATRICES = 6  # the Hessian, its symmetric part, the eigenvectors, and LAPACK's work


def hessian_eigenvalues(objective: Curved, x: Vector) -> Vector:
    """All eigenvalues of the Hessian at ``x``, rising, by n products. Collective.

    Raises
    ------
    NonFiniteError : a product is not finite
    """
    return objective.agree(np.linalg.eigvalsh(whole_hessian(finite(objective, x), x)))


def dense_seconds(objective: Curved, x: Vector) -> float:
    """About how long :func:`hessian_eigenvalues` takes, by one product and an eigenvalue problem's n³. Collective."""
    product = finite(objective, x)
    began = perf_counter()
    product(np.ones_like(x))
    return len(x) * (perf_counter() - began) + len(x) ** 3 / _CUBED_PER_S


def require_memory(n: int, vectors: int, memory: float, dense: bool = False) -> None:
    """Refuse a Hessian that is too large, before any product is made.

    Parameters
    ----------
    n : parameters
    vectors : of n float64 numbers that Lanczos' method keeps
    memory : bytes that there are for a rank
    dense : whether the whole Hessian is asked for

    Raises
    ------
    UsageError : with what it would take, and what would do

    >>> require_memory(100_000, 100, memory=16e9, dense=True)
    Traceback (most recent call last):
    ddtrain.errors.UsageError: curvature: the whole Hessian of 100,000 parameters takes 480.0 GB a rank, of 16.0 GB ...
      Leave --dense out: Lanczos' method finds the outermost eigenvalues with 0.1 GB.
    """
    krylov = vectors * n * 8
    needed = _MATRICES * n * n * 8 if dense else krylov
    if needed <= memory:
        return
    what = "the whole Hessian" if dense else f"{vectors} vectors of Lanczos' method for the Hessian"
    fitting = int(memory / (n * 8))
    remedy = f"Leave --dense out: Lanczos' method finds the outermost eigenvalues with {krylov / 1e9:,.1f} GB."
    if krylov > memory:
        remedy = f"Give --steps {fitting}." if fitting >= 2 else "Look at a smaller model, or at fewer ranks a machine."
    raise UsageError(
        f"curvature: {what} of {n:,} parameters take{'s' * dense} {needed / 1e9:,.1f} GB a rank, of "
        f"{memory / 1e9:,.1f} GB of memory",
        remedy=remedy,
    )
