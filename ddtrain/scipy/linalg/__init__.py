"""``scipy.linalg`` with derivatives: ``from ddtrain.scipy import linalg``, of a matrix or a stack in the leading axes.

On plain arrays these are SciPy's own functions. Of traced ones every option is honoured, or refused by name; options
that only say how to compute (``overwrite_a``, ``check_finite``, a driver) change nothing there.

``triangular``, ``lu_factors``, ``banded`` and ``structure`` solve systems, ``eigenvalues`` and ``matrix_functions``
speak for themselves, ``structured`` builds matrices, ``as_numpy`` has what ``ddtrain.numpy.linalg`` has, in SciPy's
spelling; ``stacks`` takes them all to stacks of matrices.
"""

from __future__ import annotations

from ddtrain.scipy.fallback import fallback_to
from ddtrain.scipy.linalg.as_numpy import det, lstsq, norm, pinv, qr, svd, svdvals
from ddtrain.scipy.linalg.assume_a import inv, solve
from ddtrain.scipy.linalg.banded import solve_banded
from ddtrain.scipy.linalg.eigenvalues import eig, eigh, eigvals, eigvalsh
from ddtrain.scipy.linalg.lu_factors import lu, lu_factor, lu_solve
from ddtrain.scipy.linalg.matrix_functions import (
    coshm,
    cosm,
    expm,
    logm,
    sinhm,
    sinm,
    solve_sylvester,
    sqrtm,
    tanhm,
    tanm,
)
from ddtrain.scipy.linalg.special_matrices import block_diag, circulant, toeplitz
from ddtrain.scipy.linalg.triangular import cho_factor, cho_solve, cholesky, solve_triangular

__all__ = [
    "block_diag", "cho_factor", "cho_solve", "cholesky", "circulant", "coshm", "cosm", "det", "eig", "eigh", "eigvals",
    "eigvalsh", "expm", "inv", "logm", "lstsq", "lu", "lu_factor", "lu_solve", "norm", "pinv", "qr", "sinhm", "sinm",
    "solve", "solve_banded", "solve_sylvester", "solve_triangular", "sqrtm", "svd", "svdvals", "tanhm", "tanm",
    "toeplitz",
]  # fmt: skip

__getattr__ = fallback_to("scipy.linalg")
