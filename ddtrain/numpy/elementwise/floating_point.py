"""How numbers are made up: signs, whole and fractional parts, mantissas, what stands for NaN and infinity."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.autodiff import Array, def_elementwise, nondifferentiable, primitive, value_of
from ddtrain.autodiff.core.examples import case
from ddtrain.numpy.elementwise.arithmetic import power, remainder
from ddtrain.numpy.elementwise.choices import where
from ddtrain.numpy.elementwise.comparisons import floor_divide, isinf, isnan, signbit, trunc
from ddtrain.numpy.elementwise.complex_numbers import imag, real
from ddtrain.numpy.manipulation.joining import asarray

__all__ = [
    "copysign", "divmod", "fix", "float_power", "frexp", "ldexp", "modf", "nan_to_num", "nextafter", "real_if_close",
    "spacing",
]  # fmt: skip

fix = nondifferentiable(np.fix)
nextafter = nondifferentiable(np.nextafter)
spacing = nondifferentiable(np.spacing)

copysign = primitive(np.copysign, examples=lambda r: [case(r(2, 3), -1.0), case(r(), 2.0)])
def_elementwise(copysign, lambda g, ans, x, y: where(signbit(x) == signbit(y), g, -g), None)

ldexp = primitive(np.ldexp, examples=lambda r: [case(r(2, 3), 3), case(r(), -2)])
def_elementwise(ldexp, lambda g, ans, x, i: ldexp(g, i), None)


def _exponent(x: Any) -> Any:
    return np.frexp(x)[1]


exponent = nondifferentiable(_exponent, name="frexp")


def frexp(x: Array) -> tuple[Any, Any]:
    """Mantissa in [0.5, 1) and exponent of ``x = mantissa * 2**exponent``; the exponent is constant.

    >>> frexp(np.array([6.0]))
    (array([0.75]), array([3], dtype=int32))
    """
    powers = exponent(x)
    return ldexp(x, -powers), powers


def modf(x: Array) -> tuple[Any, Any]:
    """The fractional part, whose derivative is one, and the whole part, which is constant.

    >>> modf(np.array([2.5]))
    (array([0.5]), array([2.]))
    """
    x = asarray(x)
    x = x if x.dtype.kind == "f" else x.astype(np.float64)
    whole = trunc(x)
    finite = where(isinf(x), 0.0, x)
    return copysign(finite - where(isinf(x), 0.0, whole), x), whole


def divmod(x: Array, y: Array) -> tuple[Any, Any]:
    """The rounded quotient, which is constant, and the remainder."""
    return floor_divide(x, y), remainder(x, y)


def float_power(x: Array, y: Array) -> Array:
    """``x`` to the power ``y`` in double precision."""
    return power(_double(x), _double(y))


def _double(x: Any) -> Any:
    x = asarray(x)
    return x if x.dtype in (np.float64, np.complex128) else x.astype(np.result_type(x.dtype, np.float64))


def nan_to_num(x: Array, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Array:
    """``x`` with numbers in place of NaN and the infinities, by default 0 and the largest of the dtype.

    Parameters
    ----------
    copy : accepted for compatibility; nothing is written to ``x``

    >>> nan_to_num(np.array([np.nan, np.inf, 1.0]), posinf=9.0)
    array([0., 9., 1.])
    """
    x = asarray(x)
    if x.dtype.kind == "c":
        parts = [nan_to_num(part, copy, nan, posinf, neginf) for part in (real(x), imag(x))]
        return parts[0] + 1j * parts[1]
    if x.dtype.kind != "f":
        return x
    limits = np.finfo(x.dtype)
    x = where(isnan(x), nan, x)
    x = where(x == np.inf, limits.max if posinf is None else posinf, x)
    return where(x == -np.inf, limits.min if neginf is None else neginf, x)[()]


def real_if_close(x: Array, tol: float = 100) -> Array:
    """The real part if every imaginary part is below ``tol``, in units of the dtype's precision if above 1; else ``x``.

    >>> real_if_close(np.array([1.0 + 1e-16j]))
    array([1.])
    """
    x = asarray(x)
    if x.dtype.kind != "c":
        return x
    bound = tol * np.finfo(x.dtype).eps if tol > 1 else tol
    return real(x) if np.all(np.abs(np.imag(value_of(x))) < bound) else x
