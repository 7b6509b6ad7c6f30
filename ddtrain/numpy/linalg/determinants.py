"""Determinants: det and slogdet, real and complex."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ddtrain.autodiff import Array, defjvp, defvjp, nondifferentiable, primitive, value_of
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import DerivativeError
from ddtrain.numpy.along_axes.reductions import sum
from ddtrain.numpy.elementwise.complex_numbers import imag, real
from ddtrain.numpy.linalg.cofactors import cofactors, product_with_inverse
from ddtrain.numpy.linalg.matrices import T, matrix, per_matrix, regular, square
from ddtrain.numpy.linalg.solves import inv


def _regular(ans: Any) -> bool:
    """Whether inv(x) exists; where it may not, the cofactors cost a singular value decomposition."""
    ans = value_of(ans)
    return bool(ans if ans.ndim == 0 else ans.all())  # all() would cost a microsecond on a scalar


det = primitive(np.linalg.det, examples=square)
defvjp(det, lambda g, ans, x: per_matrix(g * ans) * T(inv(x)) if _regular(ans) else per_matrix(g) * cofactors(x))
defjvp(det, lambda g, ans, x: ans * product_with_inverse(x, g) if _regular(ans) else sum(cofactors(x) * g, (-2, -1)))


def _inverse(x: Any) -> Any:
    """inv(x)^T, which the derivative of a logarithm needs."""
    try:
        return T(inv(x))
    except np.linalg.LinAlgError:
        raise DerivativeError(
            f"slogdet: a matrix in the array of shape {x.shape} is singular, and log 0 has no derivative",
            remedy="Differentiate det, whose derivative exists there.",
        ) from None


def _logabsdet(x: Any) -> Any:
    return np.linalg.slogdet(x)[1]


def _sign_of_det(x: Any) -> Any:
    return np.linalg.slogdet(x)[0]


logabsdet = primitive(_logabsdet, name="slogdet", examples=square)
defvjp(logabsdet, lambda g, ans, x: per_matrix(g) * _inverse(x))
defjvp(logabsdet, lambda g, ans, x: real(sum(_inverse(x) * g, (-2, -1))))
sign_of_det = nondifferentiable(_sign_of_det, name="slogdet_sign")

# exp(i Im log det x): its differential is i phase Im tr(inv(x) dx), and Im z = Re(-i z)
phase_of_det = primitive(
    _sign_of_det,
    name="slogdet_phase",
    examples=lambda r: [case(regular(r, *s) + 1j * regular(r, *s)) for s in ((3, 3), (2, 2, 2))],
)
defvjp(phase_of_det, lambda g, ans, x: per_matrix(1j * imag(g * ans)) * _inverse(x))
defjvp(phase_of_det, lambda g, ans, x: 1j * ans * imag(sum(_inverse(x) * g, (-2, -1))))


class SlogdetResult(NamedTuple):
    """The determinant as ``sign * exp(logabsdet)``."""

    sign: Any
    logabsdet: Any


def slogdet(x: Array) -> SlogdetResult:
    """Sign and logarithm of the absolute determinant, which neither overflow nor underflow.

    The sign of a real determinant is constant; that of a complex one is a phase, and differentiates.

    Raises
    ------
    DerivativeError : a derivative at a singular matrix, where there is none

    >>> slogdet(np.array([[0.0, 2.0], [3.0, 0.0]])).sign
    np.float64(-1.0)
    """
    x = matrix(x)
    return SlogdetResult((phase_of_det if x.dtype.kind == "c" else sign_of_det)(x), logabsdet(x))
