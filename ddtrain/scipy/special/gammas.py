"""The gamma function and its relatives: beta, digamma, polygamma, zeta, binomial and Pochhammer.

A rule here serves both modes. Formulas: NIST Digital Library of Mathematical Functions, chapters 5 and 25.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sc

from ddtrain.autodiff import def_elementwise, defjvp, defvjp, nondifferentiable, primitive
from ddtrain.autodiff.core.examples import Case, Sampler, case
from ddtrain.numpy import cos, sin, where
from ddtrain.numpy.manipulation.shapes import as_array
from ddtrain.scipy.fallback import refuse_rest

__all__ = [
    "beta", "betaln", "binom", "digamma", "gamma", "gammaln", "gammasgn", "loggamma", "multigammaln", "poch",
    "polygamma", "psi", "rgamma", "zeta",
]  # fmt: skip


def _positive(r: Sampler) -> list[Case]:
    return [case(r.positive(2, 3)), case(r.positive())]


def _off_the_poles(r: Sampler) -> list[Case]:
    return [*_positive(r), case(-1.5 + 0.3 * r.unit(2, 3))]


def _positive_pairs(r: Sampler) -> list[Case]:
    p = r.positive
    return [case(p(2, 3), p(2, 3)), case(p(4, 1), p(3))]


digamma = primitive(sc.psi, name="digamma", examples=_off_the_poles)
psi = digamma


def _polygamma(n: Any, x: Any) -> Any:
    """The n-th derivative of digamma, in the dtype of x; complex x too, which SciPy's lacks."""
    x = np.asarray(x)
    if x.dtype.kind == "c":
        return np.where(np.equal(n, 0), sc.psi(x), _by_euler_maclaurin(np.maximum(n, 1), x)).astype(x.dtype)
    value = sc.polygamma(n, x)
    return value.astype(x.dtype, copy=False) if x.dtype.kind == "f" else value


def _by_euler_maclaurin(n: Any, x: Any) -> Any:
    """(-1)^(n+1) n! times the sum of 1/(x+k)^(n+1) over k (DLMF 25.11.5): 20 to the right of 0, ten terms do."""
    s, start = n + 1, max(0, math.ceil(20 - float(np.min(x.real, initial=20.0))))
    w = x + start
    total = sum(((x + k) ** -s for k in range(start)), start=w ** (1 - s) / (s - 1) + 0.5 * w**-s)
    for j, bernoulli in enumerate(sc.bernoulli(20)[2::2], start=1):
        total = total + bernoulli / math.factorial(2 * j) * sc.poch(s, 2 * j - 1) * w ** (1 - s - 2 * j)
    return (-1.0) ** s * sc.factorial(n) * total


polygamma = primitive(
    _polygamma,
    name="polygamma",
    examples=lambda r: [case(1, r.positive(2, 3)), case(np.array([[0], [2]]), r.positive(3)), case(3, r.positive())],
)
defvjp(polygamma, lambda g, ans, n, x: g * polygamma(np.add(n, 1), x), argnums=[1])
defjvp(polygamma, lambda g, ans, n, x: g * polygamma(np.add(n, 1), x), argnums=[1])
refuse_rest(polygamma, "the order is an integer")

def_elementwise(digamma, lambda g, ans, x: g * polygamma(1, x))

gamma = primitive(sc.gamma, name="gamma", examples=_off_the_poles)
def_elementwise(gamma, lambda g, ans, x: g * ans * digamma(x))

gammaln = primitive(sc.gammaln, name="gammaln", examples=_off_the_poles)
def_elementwise(gammaln, lambda g, ans, x: g * digamma(x))

loggamma = primitive(sc.loggamma, name="loggamma", examples=_positive)
def_elementwise(loggamma, lambda g, ans, x: g * digamma(x))

gammasgn = nondifferentiable(sc.gammasgn, name="gammasgn")

rgamma = primitive(sc.rgamma, name="rgamma", examples=lambda r: [*_off_the_poles(r), case(np.array([0.0, -1.0, -2.0]))])


def _rgamma_slope(x: Any) -> Any:
    """-psi(x) / gamma(x), left of 1/2 by reflection, where the poles of psi and the zeros of 1/gamma cancel."""
    left = where(x < 0.5, x, 0.5)
    right = where(x < 0.5, 0.5, x)
    reflected = gamma(1 - left) * (cos(math.pi * left) - digamma(1 - left) * sin(math.pi * left) / math.pi)
    return where(x < 0.5, reflected, -digamma(right) * rgamma(right))


def_elementwise(rgamma, lambda g, ans, x: g * _rgamma_slope(x))

beta = primitive(sc.beta, name="beta", examples=_positive_pairs)
def_elementwise(
    beta,
    lambda g, ans, a, b: g * ans * (digamma(a) - digamma(a + b)),
    lambda g, ans, a, b: g * ans * (digamma(b) - digamma(a + b)),
)

betaln = primitive(sc.betaln, name="betaln", examples=_positive_pairs)
def_elementwise(
    betaln,
    lambda g, ans, a, b: g * (digamma(a) - digamma(a + b)),
    lambda g, ans, a, b: g * (digamma(b) - digamma(a + b)),
)

binom = primitive(sc.binom, name="binom", examples=lambda r: [case(3 + r.positive(2, 3), r.positive(2, 3))])
def_elementwise(
    binom,
    lambda g, ans, n, k: g * ans * (digamma(n + 1) - digamma(n - k + 1)),
    lambda g, ans, n, k: g * ans * (digamma(n - k + 1) - digamma(k + 1)),
)

poch = primitive(sc.poch, name="poch", examples=_positive_pairs)
def_elementwise(
    poch,
    lambda g, ans, z, m: g * ans * (digamma(z + m) - digamma(z)),
    lambda g, ans, z, m: g * ans * digamma(z + m),
)


def _down(g: Any, ans: Any, s: Any, q: Any) -> Any:
    """d zeta / d q = -s zeta(s + 1, q); a number of Python's as it is, which has no dtype to widen the result by."""
    s = s if isinstance(s, int | float) else as_array(s)
    return -g * s * zeta(s + 1, q)


zeta = primitive(sc.zeta, name="zeta", examples=lambda r: [case(2.5, r.positive(2, 3)), case(3.0, r.positive())])
defvjp(zeta, _down, argnums=[1])
defjvp(zeta, _down, argnums=[1])
refuse_rest(zeta, "the zeta function has no closed derivative in its exponent")


def multigammaln(a: Any, d: int) -> Any:
    """Logarithm of the multivariate gamma function of dimension ``d``, for a > (d - 1) / 2.

    >>> float(multigammaln(3.0, 1)) == float(gammaln(3.0))
    True
    """
    constant = d * (d - 1) / 4 * math.log(math.pi)
    return sum((gammaln(a - 0.5 * j) for j in range(d)), start=constant)
