"""Eigenvalues and eigenvectors of any square matrix: eig and eigvals; for Hermitian ones see ``hermitian_eigenvalues``.

Where eigenvalues coincide: Note [Repeated eigenvalues] in ``matrices.py``. Cotangents are not conjugated (Note
[Complex cotangents]), so the formulas stand in conjugates of the textbook's.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ddtrain.autodiff import Array, Outputs, defjvp, defvjp, pack, primitive, unpack, value_of
from ddtrain.autodiff.core.examples import Case, Sampler, case
from ddtrain.errors import DerivativeError
from ddtrain.numpy.along_axes.reductions import sum
from ddtrain.numpy.linalg.matrices import (
    T,
    conj,
    diag_of,
    distinct,
    gaps,
    matrix,
    on_diagonal,
    quotient,
)
from ddtrain.numpy.linalg.solves import solve_matrix
from ddtrain.numpy.manipulation.axes import expand_dims


class EigResult(NamedTuple):
    """Eigenvalues in no order, and eigenvectors of length 1 as columns."""

    eigenvalues: Any
    eigenvectors: Any


def _general(r: Sampler) -> list[Case]:
    """Real matrices with real eigenvalues, well apart."""
    return [
        case(np.asarray(0.2 * m + np.diag(np.arange(1.0, m.shape[-1] + 1)), r.dtype)) for m in (r(3, 3), r(2, 2, 2))
    ]


def _needs_basis(v: Any, name: str) -> None:
    v = value_of(v)
    bad = np.linalg.cond(v) * 8 * v.shape[-1] * np.finfo(v.dtype).eps > 1 if v.size else np.False_
    if np.any(bad):
        raise DerivativeError(
            f"{name}: the matrix has not enough eigenvectors, and its eigenvalues no derivative",
            remedy="Perturb the matrix; for a Hermitian one use eigh.",
        )


def _eig(a: Array) -> Array:
    return Outputs(np.linalg.eig(a))


def _eig_jvp(g: Any, ans: Any, a: Any) -> Any:
    w, v = unpack(ans)
    _needs_basis(v, "eig")
    turned = solve_matrix(v, g @ v)
    free = v @ quotient(turned, gaps(w), "eig: eigenvalue")
    return pack(diag_of(turned), free - v * sum(conj(v) * free, -2, keepdims=True))  # eigenvectors keep length 1


def _eig_vjp(g: Any, ans: Any, a: Any) -> Any:
    w, v = unpack(ans)
    _needs_basis(v, "eig")
    gw, gv = unpack(g)
    along = T(v) @ gv
    off = along - T(v) @ conj(v) * expand_dims(diag_of(along), -2)
    inner = quotient(off, gaps(w), "eig: eigenvalue") + on_diagonal(gw, v)
    return solve_matrix(T(v), inner @ T(v))


full_eig = primitive(_eig, name="eig", examples=_general)
defvjp(full_eig, _eig_vjp)
defjvp(full_eig, _eig_jvp)


def _any_decomposed(a: Any) -> tuple[Any, Any]:
    w, v = unpack(full_eig(a))
    return w, distinct(v, w, "eig: eigenvalue", False)


def eig(a: Array) -> EigResult:
    """Eigenvalues and eigenvectors of any square matrix; complex where they are.

    The derivative is exact for functions that do not depend on the phase of an eigenvector.

    Raises
    ------
    DerivativeError : a derivative of the vectors of two eigenvalues that coincide, or of a defective matrix

    >>> eig(np.array([[0.0, 1.0], [-1.0, 0.0]])).eigenvalues
    array([0.+1.j, 0.-1.j])
    """
    return EigResult(*_any_decomposed(matrix(a)))


def _eigvals(a: Array) -> Array:
    return np.linalg.eigvals(a)


def _eigvals_jvp(g: Any, ans: Any, a: Any) -> Any:
    _, v = _any_decomposed(a)
    _needs_basis(v, "eigvals")
    return diag_of(solve_matrix(v, g @ v))


def _eigvals_vjp(g: Any, ans: Any, a: Any) -> Any:
    _, v = _any_decomposed(a)
    _needs_basis(v, "eigvals")
    return solve_matrix(T(v), expand_dims(g, -1) * T(v))


full_eigvals = primitive(_eigvals, name="eigvals", examples=_general)
defvjp(full_eigvals, _eigvals_vjp)
defjvp(full_eigvals, _eigvals_jvp)


def eigvals(a: Array) -> Array:
    """The eigenvalues of any square matrix.

    Where eigenvalues coincide, the derivative holds for functions that are symmetric in them.
    """
    return full_eigvals(matrix(a))
