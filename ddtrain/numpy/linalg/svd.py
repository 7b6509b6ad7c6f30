"""Singular values and vectors.

Where singular values coincide: Note [Repeated eigenvalues] in ``matrices.py``. A phase that U and V share is free;
the derivative divides it evenly between them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ddtrain.autodiff import Array, Outputs, defjvp, defvjp, pack, primitive, unpack
from ddtrain.autodiff.core.boxes import BOXES
from ddtrain.autodiff.core.examples import Case, Sampler, case
from ddtrain.errors import DerivativeError
from ddtrain.numpy.along_axes.reductions import sum
from ddtrain.numpy.elementwise.arithmetic import absolute
from ddtrain.numpy.elementwise.comparisons import argsort, sign
from ddtrain.numpy.elementwise.complex_numbers import imag, real
from ddtrain.numpy.linalg.hermitian_eigenvalues import eigh
from ddtrain.numpy.linalg.matrices import (
    H,
    T,
    conj,
    diag_of,
    distinct,
    gaps,
    identity_like,
    matrix,
    quotient,
    rounded,
)
from ddtrain.numpy.manipulation.axes import expand_dims
from ddtrain.numpy.manipulation.indexing import take_along_axis
from ddtrain.numpy.manipulation.shapes import broadcast_to, flip

_WHAT = "svd: singular value"


class SVDResult(NamedTuple):
    """``U @ diag(S) @ Vh`` is the matrix; singular values descend."""

    U: Any
    S: Any
    Vh: Any


def _svd(a: Array) -> Array:
    return Outputs(np.linalg.svd(a, full_matrices=False))


def _examples(r: Sampler) -> list[Case]:
    """Matrices of both orientations with singular values well apart."""
    made = []
    for shape in ((4, 3), (2, 3), (2, 2, 2), (3, 1)):
        u, s, vh = np.linalg.svd(r(*shape).astype(np.complex128 if r.dtype.kind == "c" else np.float64), False)
        made.append(case(np.asarray(u * np.arange(s.shape[-1] + 1.0, 1.0, -1.0) @ vh, r.dtype)))
    return made


def _square_gaps(s: Any) -> Any:
    """(s_j - s_i)(s_j + s_i), with the zeros of the first factor; the second vanishes only where both values do."""
    return gaps(s) * (expand_dims(s, -2) + expand_dims(s, -1))


def _nonzero(s: Any) -> Any:
    """The singular values as a row, exactly 0 where that is rounding."""
    return expand_dims(rounded(s), -2)


def _half_phase(x: Any, s: Any) -> Any:
    """The imaginary part of the diagonal of ``x`` over twice the singular values, as a diagonal matrix."""
    if x.dtype.kind != "c":
        return 0.0
    share = quotient(expand_dims(imag(diag_of(x)), -2), 2.0 * _nonzero(s), _WHAT, False)
    return 1j * share * identity_like(x)


def _svd_jvp(g: Any, ans: Any, a: Any) -> Any:
    u, s, vh = unpack(ans)
    v, row, column = H(vh), expand_dims(s, -2), expand_dims(s, -1)
    inner = H(u) @ g @ v
    gap, phase = _square_gaps(s), _half_phase(inner, s)
    du = u @ (quotient(inner * row + column * H(inner), gap, _WHAT) + phase)
    dv = v @ (quotient(column * inner + H(inner) * row, gap, _WHAT) - phase)
    if a.shape[-2] > s.shape[-1]:
        du = du + quotient(g @ v - u @ inner, _nonzero(s), _WHAT, False)
    if a.shape[-1] > s.shape[-1]:
        dv = dv + quotient(H(g) @ u - v @ H(inner), _nonzero(s), _WHAT, False)
    return pack(du, real(diag_of(inner)), H(dv))


def _svd_vjp(g: Any, ans: Any, a: Any) -> Any:
    """The transpose of :func:`_svd_jvp`, in the textbook's conjugated cotangents until the last line."""
    u, s, vh = unpack(ans)
    gu, gs, gvh = unpack(g)
    gu, gv, v, row, column = conj(gu), T(gvh), H(vh), expand_dims(s, -2), expand_dims(s, -1)
    for_u, for_v = H(u) @ gu, H(v) @ gv
    gap = _square_gaps(s)
    turn_u, turn_v = quotient(for_u - H(for_u), gap, _WHAT), quotient(for_v - H(for_v), gap, _WHAT)
    inner = turn_u * row + column * turn_v + expand_dims(gs, -2) * identity_like(u)
    inner = inner + _half_phase(for_u - for_v, s)
    out = u @ inner @ vh
    if a.shape[-2] > s.shape[-1]:
        out = out + quotient(gu - u @ for_u, _nonzero(s), _WHAT, False) @ vh
    if a.shape[-1] > s.shape[-1]:
        out = out + u @ H(quotient(gv - v @ for_v, _nonzero(s), _WHAT, False))
    return conj(out)


thin_svd = primitive(_svd, name="svd", examples=_examples)
defvjp(thin_svd, _svd_vjp)
defjvp(thin_svd, _svd_jvp)


def decomposed(a: Any) -> tuple[Any, Any, Any]:
    """U, S and Vh, of which the vectors may be differentiated where there is a derivative."""
    u, s, vh = unpack(thin_svd(a))
    # square real matrices: no rule divides by a single value
    nonzero = a.shape[-1] != a.shape[-2] or a.dtype.kind == "c"
    return distinct(u, s, _WHAT, nonzero), s, distinct(vh, s, _WHAT, nonzero)


def _svdvals(a: Array) -> Array:
    return np.linalg.svd(a, compute_uv=False)


def _svdvals_jvp(g: Any, ans: Any, a: Any) -> Any:
    u, _, vh = decomposed(a)
    return real(sum(conj(u) * (g @ H(vh)), -2))


def _svdvals_vjp(g: Any, ans: Any, a: Any) -> Any:
    u, _, vh = decomposed(a)
    return conj(u * expand_dims(g, -2) @ vh)


singular_values = primitive(_svdvals, name="svdvals", examples=_examples)
defvjp(singular_values, _svdvals_vjp)
defjvp(singular_values, _svdvals_jvp)


def svdvals(x: Array, /) -> Array:
    """The singular values of each matrix, in descending order.

    Where some coincide, the derivative holds for functions that are symmetric in them.

    >>> svdvals(np.array([[3.0, 0.0], [0.0, -4.0]]))
    array([4., 3.])
    """
    return singular_values(matrix(x))


def _by_eigenvalues(a: Any, compute_uv: bool) -> Any:
    """The decomposition of a Hermitian matrix, as NumPy's for ``hermitian=True``."""
    w, v = eigh(a)
    order = flip(argsort(absolute(w)), -1)
    s = take_along_axis(absolute(w), order)
    if not compute_uv:
        return s
    u = take_along_axis(v, broadcast_to(expand_dims(order, -2), v.shape), -1)
    return SVDResult(u, s, H(u * expand_dims(take_along_axis(sign(w), order), -2)))


def svd(a: Array, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Array:
    """The singular value decomposition ``U @ diag(S) @ Vh`` of each matrix.

    Parameters
    ----------
    full_matrices : complete the bases U and Vh to square matrices. The added vectors are any that complete them, so
        a traced matrix that is not square needs False
    compute_uv : False for S alone, as :func:`svdvals`
    hermitian : use eigenvalues, which are faster for a Hermitian matrix

    Raises
    ------
    DerivativeError : a derivative of the vectors of two singular values that coincide (names the pair), or of a
        vanishing one

    >>> u, s, vh = svd(np.array([[0.0, 2.0], [1.0, 0.0]]))
    >>> s
    array([2., 1.])
    """
    a = matrix(a)
    if hermitian:
        return _by_eigenvalues(a, compute_uv)
    if not compute_uv:
        return svdvals(a)
    if full_matrices and a.shape[-1] != a.shape[-2]:
        if type(a) in BOXES:
            raise DerivativeError(
                f"svd: the complete bases of a matrix of shape {a.shape} have no derivative",
                remedy="Pass full_matrices=False, or take svdvals(a).",
            )
        return SVDResult(*np.linalg.svd(a))
    return SVDResult(*decomposed(a))
