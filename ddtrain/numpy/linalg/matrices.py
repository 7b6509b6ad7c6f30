"""What the families of linear algebra share: transposes, triangles, quotients by gaps, example matrices.

Note [Repeated eigenvalues]
The derivative of an eigenvector or a singular vector divides by the gaps between its value and the others. Where two
values coincide the vectors of the pair are any basis of a plane. In forward mode a quotient by a vanishing gap is 0
where its numerator vanishes too, as the vectors then stay; else it is refused, naming the pair. In reverse mode any
use of the vectors is refused (``distinct``): for v f(w) inv(v) the cotangents of v cancel, and with them would go,
silently, what the eigenvalues contribute beside the diagonal. Derivatives of the values divide by nothing; at a
repeated value they hold for functions that are symmetric in the values that coincide, as a sum or a product is.

Note [Phases]
Vectors are determined up to a sign, or a phase when they are complex. Derivatives are exact for every function that
does not depend on it; the sign is taken as constant, and the phase as LAPACK never promises.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.autodiff import def_elementwise, defjvp, defvjp, primitive, value_of
from ddtrain.autodiff.core.examples import Case, Sampler, case
from ddtrain.errors import DerivativeError
from ddtrain.numpy.elementwise.choices import where
from ddtrain.numpy.elementwise.complex_numbers import conjugate, real
from ddtrain.numpy.manipulation.axes import expand_dims
from ddtrain.numpy.manipulation.axes import matrix_transpose as T
from ddtrain.numpy.manipulation.indexing import diagonal, tril
from ddtrain.numpy.manipulation.joining import asarray

__all__ = ["T"]


def matrix(a: Any) -> Any:
    """``a`` as an array, of floating numbers: whole numbers are converted."""
    a = asarray(a)
    return a if a.dtype.kind in "fc" else a.astype(np.float64)


def conj(x: Any) -> Any:
    """The complex conjugate; of a real array the array itself."""
    return conjugate(x) if x.dtype.kind == "c" else x


def H(x: Any) -> Any:
    """The conjugate transpose."""
    return conj(T(x))


def per_matrix(g: Any) -> Any:
    """One number for each matrix, to multiply its entries."""
    return expand_dims(g, (-2, -1))


def diag_of(x: Any) -> Any:
    """The diagonal of each matrix."""
    return diagonal(x, 0, -2, -1)


def identity_like(x: Any) -> Any:
    """The identity of as many columns as ``x`` has, in its dtype."""
    return np.eye(x.shape[-1], dtype=x.dtype)


def on_diagonal(values: Any, like: Any) -> Any:
    """Diagonal matrices of the last axis of ``values``, in the dtype of ``like``."""
    return expand_dims(values, -2) * identity_like(like)


def below(x: Any) -> Any:
    """The triangle strictly below the diagonal."""
    return tril(x, -1)


def real_diagonal(x: Any) -> Any:
    """The real part of the diagonal, as a diagonal matrix."""
    return real(x) * np.eye(x.shape[-1], dtype=x.real.dtype)


def mirror(x: Any) -> Any:
    """The Hermitian matrix that has the lower triangle of ``x``: what LAPACK reads."""
    return below(x) + H(below(x)) + real_diagonal(x)


def unmirror(g: Any) -> Any:
    """The cotangent of ``x``, given that of ``mirror(x)``."""
    return below(g + H(g)) + real_diagonal(g)


def gaps(values: Any) -> Any:
    """``gaps[..., i, j] = values[j] - values[i]``, exactly 0 where that is rounding."""
    known = value_of(values)
    scale = np.max(np.abs(known), -1, initial=0.0)[..., None, None]
    apart = np.abs(known[..., None, :] - known[..., :, None]) > 8 * known.shape[-1] * np.finfo(known.dtype).eps * scale
    return where(apart, expand_dims(values, -2) - expand_dims(values, -1), 0.0)


def rounded(values: Any) -> Any:
    """The values, exactly 0 where they are rounding."""
    known = value_of(values)
    least = 8 * known.shape[-1] * np.finfo(known.dtype).eps * np.max(np.abs(known), -1, keepdims=True, initial=0.0)
    return where(np.abs(known) > least, values, 0.0)


def _quotient(x: Any, gap: Any, what: str, pairs: bool = True) -> Any:
    """x / gap, and 0 where both vanish, see Note [Repeated eigenvalues]; gaps of ``pairs`` have a diagonal of zeros."""
    vanishes = gap == 0
    bound = 1e3 * x.shape[-1] * np.finfo(x.dtype).eps * np.max(np.abs(x), (-2, -1), keepdims=True, initial=0.0)
    refused = vanishes & (np.abs(x) > bound)
    if pairs:
        refused &= ~np.eye(x.shape[-1], dtype=bool)
    if np.any(refused):
        *batch, i, j = (int(k) for k in np.argwhere(refused)[0])
        place = f" of matrix {tuple(batch)}" if batch else ""
        which = f"{i} and {j}{place} coincide" if pairs else f"{j}{place} is zero"
        raise DerivativeError(
            f"{what} {which}, so a derivative of the vectors does not exist",
            remedy="Differentiate the values alone (eigvalsh, eigvals, svdvals, or a norm), or perturb the matrix.",
        )
    return np.where(vanishes, 0, x) / np.where(vanishes, 1, gap)


def _gapped(r: Sampler) -> list[Case]:
    return [
        case(r(3, 3), gaps(np.array([1.0, 2.0, 4.0], r.dtype)), "value", argnums=(0,)),
        case(r(2, 2, 2), gaps(2 * r.spaced(2, 2)), "value", argnums=(0,)),
        case(r(3, 2), np.array([[2.0, 1.0]], r.dtype), "value", False),
    ]


quotient = primitive(_quotient, name="quotient_by_gaps", examples=_gapped)
def_elementwise(
    quotient,
    lambda g, ans, x, gap, what, pairs=True: quotient(g, gap, what, pairs),
    lambda g, ans, x, gap, what, pairs=True: -quotient(g * ans, gap, what, pairs),
)


def _same(v: Any, values: Any, what: str, nonzero: bool) -> Any:
    return v


def _require_distinct(g: Any, values: Any, what: str, nonzero: bool) -> Any:
    """``g``, unless two values coincide or, where that matters, one is zero."""
    gap = value_of(gaps(values))
    quotient(np.where(gap == 0, 1.0, 0.0), gap, what)
    if nonzero:
        row = rounded(value_of(values))[..., None, :]
        quotient(np.where(row == 0, 1.0, 0.0), row, what, False)
    return g


distinct = primitive(
    _same, name="distinct", examples=lambda r: [case(r(2, 3), np.array([4.0, 2.0, 1.0]), "value", True, argnums=(0,))]
)
defvjp(distinct, lambda g, ans, v, values, what, nonzero: _require_distinct(g, values, what, nonzero), None)
defjvp(distinct, lambda g, ans, v, values, what, nonzero: g, None)


def regular(r: Sampler, *shape: int) -> Any:
    """A well-conditioned matrix for every leading index."""
    return r(*shape) + 3 * np.eye(shape[-1], dtype=r.dtype)


def square(r: Sampler) -> list[Case]:
    """One matrix, a batch, and a single number."""
    return [case(regular(r, 3, 3)), case(regular(r, 2, 2, 2)), case(regular(r, 1, 1))]


def hermitian(r: Sampler) -> list[Case]:
    """Positive definite matrices with well-separated eigenvalues."""
    return [
        case(np.asarray(0.1 * (m + m.conj().swapaxes(-1, -2)) + np.diag(np.arange(2.0, m.shape[-1] + 2)), r.dtype))
        for m in (r(3, 3), r(2, 2, 2))
    ]
