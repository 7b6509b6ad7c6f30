"""Exponential integrals, powers after Box and Cox, and the functions of one variable that belong nowhere else.

Note [Moments of the exponential]
exprel(u) = (exp(u) - 1) / u is the integral of exp(s u) over s in [0, 1]. With a factor s^k in the integral, every
derivative is the next moment, so one primitive is closed under differentiation, and nothing is divided by u = 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sc

from ddtrain.autodiff import def_elementwise, defjvp, defvjp, primitive
from ddtrain.autodiff.core.examples import Case, Sampler, case
from ddtrain.numpy import abs, exp, log, log1p, sin, where
from ddtrain.scipy.fallback import refuse_rest

__all__ = ["boxcox", "cosm1", "exp1", "exp10", "expi", "expn", "exprel", "inv_boxcox", "lambertw"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)  # exact to rounding for |u| < 8: u^64 / 64! is below 1e-31
_NODES, _WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2


def _any(r: Sampler) -> list[Case]:
    return [case(r(2, 3)), case(r())]


def _positive(r: Sampler) -> list[Case]:
    return [case(r.positive(2, 3)), case(r.positive())]


def _exprel_moment(u: Any, k: int) -> Any:
    """The integral of s^k exp(s u) over [0, 1]: by quadrature where |u| < 8, by parts from there on."""
    u = np.asarray(u)
    small = np.abs(u) < 8
    near = np.where(small, u, 0)[..., None]
    by_quadrature = np.sum(_WEIGHTS * _NODES**k * np.exp(_NODES * near), -1)
    far = np.where(small, 8, u).astype(by_quadrature.dtype)
    by_parts = sc.exprel(far)
    for j in range(1, k + 1):
        by_parts = (np.exp(far) - j * by_parts) / far
    return np.where(small, by_quadrature, by_parts).astype(u.dtype, copy=False)


exprel_moment = primitive(
    _exprel_moment,
    name="exprel_moment",
    examples=lambda r: [case(r(2, 3), 1), case(10 * r.unit(3), 2), case(np.zeros(2, r.dtype), 1)],
)
def_elementwise(exprel_moment, lambda g, ans, u, k: g * exprel_moment(u, k + 1))

exprel = primitive(sc.exprel, name="exprel", examples=_any)
def_elementwise(exprel, lambda g, ans, u: g * exprel_moment(u, 1))

boxcox = primitive(
    sc.boxcox,
    name="boxcox",
    examples=lambda r: [case(r.positive(2, 3), r(2, 3)), case(r.positive(3), np.zeros(3, r.dtype))],
)
def_elementwise(
    boxcox,
    lambda g, ans, x, lmbda: g * x ** (lmbda - 1),
    lambda g, ans, x, lmbda: g * log(x) ** 2 * exprel_moment(lmbda * log(x), 1),
)


def _log1p_slope(u: Any) -> Any:
    """Derivative of log1p(u) / u; by its series near 0, where u / (1 + u) - log1p(u) cancels."""
    small = abs(u) < 0.05
    near, far = where(small, u, 0.0), where(small, 1.0, u)
    series: Any = 0.0
    for n in range(14, -1, -1):  # enough terms: 0.05^15 is below 1e-19
        series = series * near + (-1) ** (n + 1) * (n + 1) / (n + 2)
    return where(small, series, (far / (1 + far) - log1p(far)) / (far * far))


inv_boxcox = primitive(
    sc.inv_boxcox,
    name="inv_boxcox",
    examples=lambda r: [case(r.positive(2, 3), 0.3 * r.positive(2, 3)), case(r(3), np.zeros(3, r.dtype))],
)
def_elementwise(
    inv_boxcox,
    lambda g, ans, y, lmbda: g * ans / (1 + lmbda * y),
    lambda g, ans, y, lmbda: g * ans * y * y * _log1p_slope(lmbda * y),
)

exp1 = primitive(sc.exp1, name="exp1", examples=_positive)
def_elementwise(exp1, lambda g, ans, x: -g * exp(-x) / x)

expi = primitive(sc.expi, name="expi", examples=_positive)
def_elementwise(expi, lambda g, ans, x: g * exp(x) / x)


def _expn(n: Any, x: Any) -> Any:
    """E_n(x), continued below n = 0 by recurrence: n E_{n+1}(x) = exp(-x) - x E_n(x)."""
    n = np.asarray(n)
    above = sc.expn(np.maximum(n, 0), x)
    return above if np.all(n >= 0) else np.where(n >= 0, above, (np.exp(-x) - n * _expn(n + 1, x)) / x)


expn = primitive(_expn, name="expn", examples=lambda r: [case(2, r.positive(2, 3)), case(1, r.positive())])
defvjp(expn, lambda g, ans, n, x: -g * expn(np.subtract(n, 1), x), argnums=[1])
defjvp(expn, lambda g, ans, n, x: -g * expn(np.subtract(n, 1), x), argnums=[1])
refuse_rest(expn, "the order is an integer")

exp10 = primitive(sc.exp10, name="exp10", examples=_any)
def_elementwise(exp10, lambda g, ans, x: g * ans * math.log(10))

cosm1 = primitive(sc.cosm1, name="cosm1", examples=_any)
def_elementwise(cosm1, lambda g, ans, x: -g * sin(x))


def _lambertw(z: Any, k: int = 0, tol: float = 1e-8) -> Any:
    return sc.lambertw(z, k, tol)


lambertw = primitive(_lambertw, name="lambertw", examples=_positive)
def_elementwise(lambertw, lambda g, ans, z, k=0, tol=1e-8: g * exp(-ans) / (1 + ans))
