"""The few special functions that NumPy itself has: sinc, the Bessel function i0, the step."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ddtrain.autodiff import Array, def_elementwise, primitive
from ddtrain.autodiff.core.examples import case
from ddtrain.numpy.elementwise.choices import where
from ddtrain.numpy.elementwise.comparisons import equal, less
from ddtrain.numpy.elementwise.transcendental import cos, sin

__all__ = ["heaviside", "i0", "sinc"]

# (z/3) sum_k (-z^2/2)^k 3 / (k! (2k+3)!!): exact to double precision for |z| < 0.5
_SERIES = [(-0.5) ** k / (math.factorial(k) * math.prod(range(1, 2 * k + 4, 2))) for k in range(8)]


def _spherical_bessel_1(z: Any) -> Any:
    """(sin z / z - cos z) / z, and its series near 0, where the difference loses all digits."""
    small = less(abs(z), 0.5)
    near, far = where(small, z, 0.0), where(small, 1.0, z)
    series = 0.0
    for c in reversed(_SERIES):
        series = series * (near * near) + c
    return where(small, near * series, (sin(far) / far - cos(far)) / far)


def _sinc(x: Array) -> Array:
    return np.sinc(x)


sinc = primitive(_sinc, name="sinc", examples=lambda r: [case(r(2, 3)), case(np.array([0.0, 1.0, 0.1], r.dtype))])
def_elementwise(sinc, lambda g, ans, x: -math.pi * g * _spherical_bessel_1(math.pi * x))


_OVERFLOWS = 800.0  # exp overflows here, and i0 with it
_AT_ONCE = 1 << 16  # limit of (points, arguments) entries computed at a time


def _moment(x: Any, n: int) -> Any:
    """The mean over t in [0, 2 pi) of cos(t)^n exp(x cos(t)), which is the n-th derivative of i0.

    The trapezoid rule on 4 m points is off by the Bessel functions of order 4 m and above: by a part exp(-8 m^2 / x) of
    i0. The points of one quarter stand for all.
    """
    x = np.clip(x, -_OVERFLOWS, _OVERFLOWS)
    m = 16 + n + int(3 * np.sqrt(np.max(np.abs(x), initial=0.0, where=~np.isnan(x))))
    t = np.cos(np.pi * (np.arange(m) + 0.5) / (2 * m)).astype(x.dtype)
    grows = np.sinh if n % 2 else np.cosh
    parts = np.array_split(t, 1 + x.size * m // _AT_ONCE)
    return np.sum([np.sum(p**n * grows(x[..., None] * p), -1) for p in parts], 0, x.dtype) / m


bessel_moment = primitive(_moment, name="i0_derivative", examples=lambda r: [case(r(2, 3), 1), case(r(), 2)])
def_elementwise(bessel_moment, lambda g, ans, x, n: g * bessel_moment(x, n + 1))


def _i0(x: Array) -> Array:
    return np.i0(x)


i0 = primitive(_i0, name="i0", examples=lambda r: [case(r(2, 3)), case(np.array([0.0, -9.0], r.dtype))])
def_elementwise(i0, lambda g, ans, x: g * bessel_moment(x, 1))


def _heaviside(x: Array, at_zero: Any) -> Array:
    return np.heaviside(x, at_zero)


heaviside = primitive(
    _heaviside, name="heaviside", examples=lambda r: [case(np.array([-1.0, 0.0, 2.0, 0.0]), r(2, 4), argnums=(1,))]
)
def_elementwise(heaviside, None, lambda g, ans, x, at_zero: where(equal(x, 0), g, 0.0))
