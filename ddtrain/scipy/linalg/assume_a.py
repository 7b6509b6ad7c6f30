"""Systems and inverses of matrices of which SciPy is told the structure, and with it which entries to read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg as sl

from ddtrain.errors import DerivativeError
from ddtrain.numpy import matrix_transpose as T
from ddtrain.numpy import tril, triu
from ddtrain.numpy.linalg import solves
from ddtrain.numpy.linalg.matrices import H, matrix, mirror
from ddtrain.scipy.fallback import scipys_unless_traced


def _symmetric(a: Any, lower: bool) -> Any:
    return tril(a) + T(tril(a, -1)) if lower else triu(a) + T(triu(a, 1))


# assume_a -> the part of a that solve() reads, completed to the matrix that it stands for
READ: dict[str, Callable[[Any, bool], Any]] = {
    "general": lambda a, lower: a,
    "banded": lambda a, lower: a,
    "diagonal": lambda a, lower: a * np.eye(a.shape[-1], dtype=a.dtype),
    "tridiagonal": lambda a, lower: tril(triu(a, -1), 1),
    "upper triangular": lambda a, lower: triu(a),
    "lower triangular": lambda a, lower: tril(a),
    "symmetric": _symmetric,
    "hermitian": lambda a, lower: mirror(a if lower else H(a)),
    "positive definite": lambda a, lower: mirror(a if lower else H(a)),
}
SHORT = {"gen": "general", "sym": "symmetric", "her": "hermitian", "pos": "positive definite"}


def _read(name: str, a: Any, assume_a: str | None, lower: bool) -> Any:
    kind = SHORT.get(assume_a or "gen", assume_a or "gen")
    if kind not in READ:
        raise DerivativeError(
            f"{name}: assume_a={assume_a!r} is no structure known here", remedy=f"It is one of {', '.join(READ)}."
        )
    return READ[kind](matrix(a), lower)


@scipys_unless_traced(sl.solve)
def solve(
    a: Any,
    b: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: str | None = None,
    transposed: bool = False,
) -> Any:
    """x of ``a @ x = b``, or of ``a.T @ x = b`` if ``transposed``.

    Parameters
    ----------
    b : a vector, or a matrix of columns
    assume_a : the structure of ``a``, by SciPy's names; entries that it says are not read have no derivative
    lower : which triangle a symmetric, Hermitian or positive definite ``a`` is read from
    overwrite_a, overwrite_b, check_finite : of SciPy's; a traced value is never written to, nor checked

    Raises
    ------
    LinAlgError : ``a`` is singular

    >>> solve(np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([1.0, 1.0]), assume_a="pos")
    array([0.5 , 0.25])
    """
    a = _read("solve", a, assume_a, lower)
    if transposed and a.dtype.kind == "c":
        raise NotImplementedError("solve: transposed=True for complex matrices is not implemented, as in SciPy")
    return solves.solve(T(a) if transposed else a, b)


@scipys_unless_traced(sl.inv)
def inv(
    a: Any, overwrite_a: bool = False, check_finite: bool = True, *, assume_a: str | None = None, lower: bool = False
) -> Any:
    """The inverse of a square matrix; the options are those of :func:`solve`.

    >>> inv(np.array([[2.0, 0.0], [0.0, 4.0]]))
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    return solves.inv(_read("inv", a, assume_a, lower))
