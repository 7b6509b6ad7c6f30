"""``scipy.linalg`` with derivatives: ``from ddtrain.scipy import linalg``. One matrix at a time.

What NumPy has too (inv, det, eigh, svd, ...) is in ``ddtrain.numpy.linalg``, batched.
"""

from __future__ import annotations

from ddtrain.numpy.linalg.determinants import det
from ddtrain.numpy.linalg.solves import inv
from ddtrain.scipy._rest import rest_of
from ddtrain.scipy.linalg.banded import solve_banded
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
from ddtrain.scipy.linalg.structured import block_diag, circulant, toeplitz
from ddtrain.scipy.linalg.triangular import cho_factor, cho_solve, cholesky, solve_triangular

__all__ = [
    "block_diag", "cho_factor", "cho_solve", "cholesky", "circulant", "coshm", "cosm", "det", "expm", "inv", "logm",
    "sinhm", "sinm", "solve_banded", "solve_sylvester", "solve_triangular", "sqrtm", "tanhm", "tanm", "toeplitz",
]  # fmt: skip

__getattr__ = rest_of("scipy.linalg")
