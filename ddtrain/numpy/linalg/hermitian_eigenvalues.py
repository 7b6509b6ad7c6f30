"""Eigenvalues and eigenvectors of Hermitian matrices: eigh and eigvalsh.

Where eigenvalues coincide: Note [Repeated eigenvalues] in ``matrices.py``. Cotangents are not conjugated (Note
[Complex cotangents]), so the formulas stand in conjugates of the textbook's.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

from ddtrain.autodiff import Array, Outputs, defjvp, defvjp, pack, primitive, unpack
from ddtrain.autodiff.core.examples import Case, Sampler, case
from ddtrain.numpy.along_axes.reductions import sum
from ddtrain.numpy.elementwise.complex_numbers import real
from ddtrain.numpy.linalg.matrices import (
    H,
    T,
    conj,
    diag_of,
    distinct,
    gaps,
    hermitian,
    matrix,
    mirror,
    on_diagonal,
    quotient,
    unmirror,
)
from ddtrain.numpy.manipulation.axes import expand_dims

Triangle = Literal["L", "U"]


class EighResult(NamedTuple):
    """Real eigenvalues in ascending order, and orthonormal eigenvectors as columns."""

    eigenvalues: Any
    eigenvectors: Any


def _from_triangle(g: Any, UPLO: Triangle) -> Any:
    """The Hermitian matrix that LAPACK makes of the triangle it reads."""
    return mirror(g if UPLO == "L" else H(g))


def _to_triangle(g: Any, UPLO: Triangle) -> Any:
    """The cotangent of that triangle, given that of the whole matrix."""
    return unmirror(g) if UPLO == "L" else H(unmirror(g))


def _eigh(a: Array, UPLO: Triangle) -> Array:
    return Outputs(np.linalg.eigh(a, UPLO))


def _eigh_jvp(g: Any, ans: Any, a: Any, UPLO: Triangle) -> Any:
    w, v = unpack(ans)
    turned = H(v) @ _from_triangle(g, UPLO) @ v
    return pack(real(diag_of(turned)), v @ quotient(turned, gaps(w), "eigh: eigenvalue"))


def _eigh_vjp(g: Any, ans: Any, a: Any, UPLO: Triangle) -> Any:
    w, v = unpack(ans)
    gw, gv = unpack(g)
    inner = quotient(T(v) @ gv, gaps(w), "eigh: eigenvalue") + on_diagonal(gw, v)
    return _to_triangle(conj(v) @ inner @ T(v), UPLO)


def _triangles(r: Sampler) -> list[Case]:
    return [case(c.args[0], UPLO) for c, UPLO in zip(hermitian(r), ("L", "U"), strict=True)]


triangle_eigh = primitive(_eigh, name="eigh", examples=_triangles)
defvjp(triangle_eigh, _eigh_vjp)
defjvp(triangle_eigh, _eigh_jvp)


def _decomposed(a: Any, UPLO: Triangle) -> tuple[Any, Any]:
    """Eigenvalues and vectors, of which the vectors may be differentiated where there is a derivative."""
    w, v = unpack(triangle_eigh(a, UPLO))
    return w, distinct(v, w, "eigh: eigenvalue", False)


def _checked_triangle(UPLO: str) -> Triangle:
    if UPLO not in ("L", "U", "l", "u"):
        raise ValueError(f"UPLO is {UPLO!r}; it says which triangle is read: 'L' or 'U'")
    return "L" if UPLO in "Ll" else "U"


def eigh(a: Array, UPLO: str = "L") -> EighResult:
    """Eigenvalues and eigenvectors of a Hermitian matrix, of which one triangle is read, 'L'ower or 'U'pper.

    The derivative is with respect to that triangle. It is exact for functions that do not depend on the sign, or the
    phase, of an eigenvector.

    Raises
    ------
    DerivativeError : a derivative of the vectors of two eigenvalues that coincide; names the pair

    >>> eigh(np.array([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    array([1., 2.])
    """
    return EighResult(*_decomposed(matrix(a), _checked_triangle(UPLO)))


def _eigvalsh(a: Array, UPLO: Triangle) -> Array:
    return np.linalg.eigvalsh(a, UPLO)


def _eigvalsh_jvp(g: Any, ans: Any, a: Any, UPLO: Triangle) -> Any:
    _, v = _decomposed(a, UPLO)
    return real(sum(conj(v) * (_from_triangle(g, UPLO) @ v), -2))


def _eigvalsh_vjp(g: Any, ans: Any, a: Any, UPLO: Triangle) -> Any:
    _, v = _decomposed(a, UPLO)
    return _to_triangle((conj(v) * expand_dims(g, -2)) @ T(v), UPLO)


triangle_eigvalsh = primitive(_eigvalsh, name="eigvalsh", examples=_triangles)
defvjp(triangle_eigvalsh, _eigvalsh_vjp)
defjvp(triangle_eigvalsh, _eigvalsh_jvp)


def eigvalsh(a: Array, UPLO: str = "L") -> Array:
    """The eigenvalues of a Hermitian matrix in ascending order.

    Where eigenvalues coincide, the derivative holds for functions that are symmetric in them.

    >>> eigvalsh(np.eye(2))
    array([1., 1.])
    """
    return triangle_eigvalsh(matrix(a), _checked_triangle(UPLO))
