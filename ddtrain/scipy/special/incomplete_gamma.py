"""The incomplete gamma functions, with derivatives in both arguments, and their inverses.

SciPy computes the values; derivatives in a parameter are score moments (Note [Closed under differentiation]).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sc

from ddtrain.autodiff import def_elementwise, primitive
from ddtrain.autodiff.core.examples import Case, Sampler, case
from ddtrain.numpy import exp, log, where
from ddtrain.scipy.special.entropies import xlogy
from ddtrain.scipy.special.gammas import digamma, gammaln, polygamma
from ddtrain.scipy.special.log_concave import broadcast_double, integral_up_to

__all__ = ["gammainc", "gammaincc", "gammainccinv", "gammaincinv"]


def _gamma_moment(a: Any, x: Any, k: int) -> Any:
    """The integral over (0, x) of the gamma density of shape ``a`` times (log t - psi(a))^k."""
    dtype, (a, x) = broadcast_double(a, x)
    inside = (a > 0) & (x > 0)
    a, x = np.where(inside, a, 1.0), np.where(inside, x, 1.0)
    shape, norm, mean = a[..., None], sc.gammaln(a)[..., None], sc.psi(a)[..., None]
    moment = integral_up_to(
        np.log(x),
        np.log(a),
        lambda u: shape * u - np.exp(u) - norm,
        lambda u: (u - mean) ** k,
        centred=k == 1,
    )
    return np.where(inside, moment, 0.0).astype(dtype)


def _gamma_density(a: Any, x: Any) -> Any:
    return exp(xlogy(a - 1, x) - x - gammaln(a))


def _shapes_and_points(r: Sampler) -> list[Case]:
    p = r.positive
    return [case(p(2, 3), p(2, 3)), case(p(4, 1), p(3)), case(10 * p(3), 10 * p(3))]


gamma_moment = primitive(
    _gamma_moment,
    name="gamma_moment",
    examples=lambda r: [case(r.positive(2, 3), 2 * r.positive(2, 3), k) for k in (1, 2)],
)


def _next_gamma_moment(a: Any, x: Any, k: int) -> Any:
    """d/da: the density gains a factor, and each of the k factors loses the derivative of psi."""
    return gamma_moment(a, x, k + 1) - k * polygamma(1, a) * (gamma_moment(a, x, k - 1) if k > 1 else gammainc(a, x))


def _end_of_gamma_moment(a: Any, x: Any, k: int) -> Any:
    inside = x > 0
    at = where(inside, x, 1.0)
    return where(inside, _gamma_density(a, at) * (log(at) - digamma(a)) ** k, 0.0)


def_elementwise(
    gamma_moment,
    lambda g, ans, a, x, k: g * _next_gamma_moment(a, x, k),
    lambda g, ans, a, x, k: g * _end_of_gamma_moment(a, x, k),
)

gammainc = primitive(sc.gammainc, name="gammainc", examples=_shapes_and_points)
def_elementwise(gammainc, lambda g, ans, a, x: g * gamma_moment(a, x, 1), lambda g, ans, a, x: g * _gamma_density(a, x))

gammaincc = primitive(sc.gammaincc, name="gammaincc", examples=_shapes_and_points)
def_elementwise(
    gammaincc, lambda g, ans, a, x: -g * gamma_moment(a, x, 1), lambda g, ans, a, x: -g * _gamma_density(a, x)
)


def _shapes_and_probabilities(r: Sampler) -> list[Case]:
    return [case(r.positive(2, 3), 0.5 + 0.5 * r.unit(2, 3))]


gammaincinv = primitive(sc.gammaincinv, name="gammaincinv", examples=_shapes_and_probabilities)
def_elementwise(  # ans is defined implicitly by gammainc(a, ans) = y
    gammaincinv,
    lambda g, ans, a, y: -g * gamma_moment(a, ans, 1) / _gamma_density(a, ans),
    lambda g, ans, a, y: g / _gamma_density(a, ans),
)

gammainccinv = primitive(sc.gammainccinv, name="gammainccinv", examples=_shapes_and_probabilities)
def_elementwise(
    gammainccinv,
    lambda g, ans, a, y: -g * gamma_moment(a, ans, 1) / _gamma_density(a, ans),
    lambda g, ans, a, y: -g / _gamma_density(a, ans),
)
