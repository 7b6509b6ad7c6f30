"""Linear algebra: every function of ``numpy.linalg``, on one matrix or on a batch in the leading axes.

Reading order: ``matrices`` (what they share, and what happens where eigenvalues coincide), ``hermitian_eigenvalues``,
``eigenvalues``, ``svd``, ``solves``, ``least_squares``, ``cofactors``, ``determinants``, ``factorizations``, ``norms``,
``chains``.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.linalg import LinAlgError

from ddtrain.autodiff import nondifferentiable
from ddtrain.numpy.along_axes.reductions import sum as _sum
from ddtrain.numpy.dispatch.missing_rules import missing_name
from ddtrain.numpy.linalg.chains import matrix_power, multi_dot
from ddtrain.numpy.linalg.determinants import SlogdetResult, det, slogdet
from ddtrain.numpy.linalg.eigenvalues import EigResult, eig, eigvals
from ddtrain.numpy.linalg.factorizations import QRResult, cholesky, qr
from ddtrain.numpy.linalg.hermitian_eigenvalues import EighResult, eigh, eigvalsh
from ddtrain.numpy.linalg.least_squares import LstsqResult, lstsq, pinv
from ddtrain.numpy.linalg.norms import cond, matrix_norm, norm, vector_norm
from ddtrain.numpy.linalg.solves import inv, solve, tensorinv, tensorsolve
from ddtrain.numpy.linalg.svd import SVDResult, svd, svdvals
from ddtrain.numpy.manipulation.axes import matrix_transpose
from ddtrain.numpy.manipulation.indexing import diagonal as _diagonal
from ddtrain.numpy.products.matrix_products import cross as _cross
from ddtrain.numpy.products.matrix_products import matmul, outer, tensordot, vecdot

matrix_rank = nondifferentiable(np.linalg.matrix_rank)


def cross(x: Any, y: Any, /, *, axis: int = -1) -> Any:
    """The cross products of vectors of three along ``axis``."""
    return _cross(x, y, axis=axis)


def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """The diagonal of each matrix in the last two axes."""
    return _diagonal(x, offset, -2, -1)


def trace(x: Any, /, *, offset: int = 0) -> Any:
    """The sum of the diagonal of each matrix in the last two axes."""
    return _sum(_diagonal(x, offset, -2, -1), -1)


__all__ = [  # written out, as type checkers follow no other list
    "EigResult", "EighResult", "LinAlgError", "LstsqResult", "QRResult", "SVDResult", "SlogdetResult", "cholesky",
    "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh", "inv", "lstsq", "matmul", "matrix_norm",
    "matrix_power", "matrix_rank", "matrix_transpose", "multi_dot", "norm", "outer", "pinv", "qr", "slogdet", "solve",
    "svd", "svdvals", "tensordot", "tensorinv", "tensorsolve", "trace", "vecdot", "vector_norm",
]  # fmt: skip
RULED = tuple(name for name in __all__ if name.islower())  # its functions, without the classes of results and errors


def __getattr__(name: str) -> NoReturn:
    raise missing_name(np.linalg, name)
