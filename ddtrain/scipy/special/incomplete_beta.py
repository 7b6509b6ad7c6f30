"""The incomplete beta functions, with derivatives in all three arguments, and their inverse.

SciPy computes the values; derivatives in a parameter are score moments (Note [Closed under differentiation]).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sc

from ddtrain.autodiff import def_elementwise, primitive
from ddtrain.autodiff.core.examples import Case, Sampler, case
from ddtrain.numpy import exp, log, log1p, where
from ddtrain.scipy.special.entropies import xlog1py, xlogy
from ddtrain.scipy.special.gammas import betaln, digamma, polygamma
from ddtrain.scipy.special.log_concave import broadcast_double, integral_up_to

__all__ = ["betainc", "betaincc", "betaincinv"]


def beta_moment_to(a: Any, b: Any, log_odds: Any, j: int, k: int) -> Any:
    """:func:`_beta_moment`, of float64 arrays of equal shapes, in terms of log(x / (1 - x))."""
    a1, b1, norm = a[..., None], b[..., None], sc.betaln(a, b)[..., None]
    mean, other_mean = sc.psi(a1) - sc.psi(a1 + b1), sc.psi(b1) - sc.psi(a1 + b1)
    return integral_up_to(
        np.minimum(log_odds, 1e6),  # keeps x = 1 finite, beyond which there is no density anyway
        np.log(a) - np.log(b),
        lambda u: a1 * sc.log_expit(u) + b1 * sc.log_expit(-u) - norm,
        lambda u: (sc.log_expit(u) - mean) ** j * (sc.log_expit(-u) - other_mean) ** k,
        centred=j + k == 1,
    )


def _beta_moment(a: Any, b: Any, x: Any, j: int, k: int) -> Any:
    """The integral over (0, x) of the beta density times (log t - E log t)^j (log(1-t) - E log(1-t))^k."""
    dtype, (a, b, x) = broadcast_double(a, b, x)
    inside = (a > 0) & (b > 0) & (x > 0)
    a, b, x = np.where(inside, a, 1.0), np.where(inside, b, 1.0), np.where(inside, x, 0.5)
    return np.where(inside, beta_moment_to(a, b, sc.logit(np.minimum(x, 1.0)), j, k), 0.0).astype(dtype)


def _beta_density(a: Any, b: Any, x: Any) -> Any:
    return exp(xlogy(a - 1, x) + xlog1py(b - 1, -x) - betaln(a, b))


beta_moment = primitive(
    _beta_moment,
    name="beta_moment",
    examples=lambda r: [
        case(r.positive(2, 3), r.positive(2, 3), 0.5 + 0.5 * r.unit(2, 3), j, k) for j, k in ((1, 0), (0, 1), (1, 1))
    ],
)


def _moment(a: Any, b: Any, x: Any, j: int, k: int) -> Any:
    return beta_moment(a, b, x, j, k) if j + k else betainc(a, b, x)


def _wrt_a(a: Any, b: Any, x: Any, j: int, k: int) -> Any:
    """d/da: the density gains a factor log t - E log t, and each factor loses the derivative of its mean."""
    slope = _moment(a, b, x, j + 1, k)
    if j:
        slope = slope - j * (polygamma(1, a) - polygamma(1, a + b)) * _moment(a, b, x, j - 1, k)
    return slope + k * polygamma(1, a + b) * _moment(a, b, x, j, k - 1) if k else slope


def _wrt_b(a: Any, b: Any, x: Any, j: int, k: int) -> Any:
    slope = _moment(a, b, x, j, k + 1)
    if k:
        slope = slope - k * (polygamma(1, b) - polygamma(1, a + b)) * _moment(a, b, x, j, k - 1)
    return slope + j * polygamma(1, a + b) * _moment(a, b, x, j - 1, k) if j else slope


def _end_of_beta_moment(a: Any, b: Any, x: Any, j: int, k: int) -> Any:
    inside = (x > 0) & (x < 1)
    at, both = where(inside, x, 0.5), digamma(a + b)
    factors = (log(at) - digamma(a) + both) ** j * (log1p(-at) - digamma(b) + both) ** k
    return where(inside, _beta_density(a, b, at) * factors, 0.0)


def_elementwise(
    beta_moment,
    lambda g, ans, a, b, x, j, k: g * _wrt_a(a, b, x, j, k),
    lambda g, ans, a, b, x, j, k: g * _wrt_b(a, b, x, j, k),
    lambda g, ans, a, b, x, j, k: g * _end_of_beta_moment(a, b, x, j, k),
)


def _beta_points(r: Sampler) -> list[Case]:
    p, x = r.positive, 0.5 + 0.5 * r.unit(2, 3)
    return [case(p(2, 3), p(2, 3), x), case(p(4, 1), p(3), x[0]), case(20 * p(3), 20 * p(3), x[1])]


betainc = primitive(sc.betainc, name="betainc", examples=_beta_points)
def_elementwise(
    betainc,
    lambda g, ans, a, b, x: g * beta_moment(a, b, x, 1, 0),
    lambda g, ans, a, b, x: g * beta_moment(a, b, x, 0, 1),
    lambda g, ans, a, b, x: g * _beta_density(a, b, x),
)

betaincc = primitive(sc.betaincc, name="betaincc", examples=_beta_points)
def_elementwise(
    betaincc,
    lambda g, ans, a, b, x: -g * beta_moment(a, b, x, 1, 0),
    lambda g, ans, a, b, x: -g * beta_moment(a, b, x, 0, 1),
    lambda g, ans, a, b, x: -g * _beta_density(a, b, x),
)

betaincinv = primitive(sc.betaincinv, name="betaincinv", examples=lambda r: _beta_points(r)[:2])
def_elementwise(  # ans is defined implicitly by betainc(a, b, ans) = y
    betaincinv,
    lambda g, ans, a, b, y: -g * beta_moment(a, b, ans, 1, 0) / _beta_density(a, b, ans),
    lambda g, ans, a, b, y: -g * beta_moment(a, b, ans, 0, 1) / _beta_density(a, b, ans),
    lambda g, ans, a, b, y: g / _beta_density(a, b, ans),
)
