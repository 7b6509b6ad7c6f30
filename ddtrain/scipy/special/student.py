"""Student's t distribution function and its inverse, with derivatives in both arguments.

Up to z < 0 the probability is half of the incomplete beta function I(df/2, 1/2; x) at x = df / (df + z^2), so its
derivatives in df are score moments of log x (Note [Closed under differentiation]), taken along z: unlike x, z has a
slope at zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sc

from ddtrain.autodiff import def_elementwise, primitive, value_of
from ddtrain.autodiff.core.examples import Case, Sampler, case
from ddtrain.numpy import exp, log, log1p
from ddtrain.scipy.special.gammas import betaln, digamma, polygamma
from ddtrain.scipy.special.incomplete_beta import beta_moment_to
from ddtrain.scipy.special.log_concave import broadcast_double

__all__ = ["stdtr", "stdtrit"]


def log_density(df: Any, z: Any) -> Any:
    """Logarithm of the density; betaln is the difference of two gammaln, which cancel for many degrees of freedom."""
    half = 0.5 + 0 * value_of(df)  # 0.5 in df's dtype, because SciPy's betaln would take a Python number to float64
    return -betaln(0.5 * df, half) - 0.5 * log(df) - 0.5 * (df + 1) * log1p(z * z / df)


def _student_moment(df: Any, z: Any, k: int) -> Any:
    """The integral up to z of the density times (log x - E log x)^k, x = df / (df + t^2)."""
    dtype, (df, z) = broadcast_double(df, z)
    a, b = 0.5 * df, np.full(df.shape, 0.5)
    with np.errstate(divide="ignore"):
        tail = 0.5 * beta_moment_to(a, b, np.log(df) - 2 * np.log(np.abs(z)), k, 0)
    whole = beta_moment_to(a, b, np.full(df.shape, np.inf), k, 0) if k > 1 else 0.0
    return np.where(z > 0, whole - tail, tail).astype(dtype)


def _points(r: Sampler) -> list[Case]:
    p = r.positive
    return [case(p(2, 3), r(2, 3)), case(p(4, 1), r(3)), case(10 * p(3), 3 * r(3)), case(p(2), np.zeros(2, r.dtype))]


student_moment = primitive(
    _student_moment,
    name="student_moment",
    examples=lambda r: [case(r.positive(2, 3), r(2, 3), 1), case(r.positive(2, 3), r(2, 3), 2)],
)


def _score(df: Any, z: Any) -> Any:
    """log x - E log x."""
    return digamma(0.5 * (df + 1)) - digamma(0.5 * df) - log1p(z * z / df)


def _wrt_df(df: Any, z: Any, k: int) -> Any:
    """The density gains a factor, each factor loses the derivative of its mean, and x moves with df."""
    within = student_moment(df, z, k + 1)
    if k:
        spread = polygamma(1, 0.5 * df) - polygamma(1, 0.5 * (df + 1))
        within = within - k * spread * (student_moment(df, z, k - 1) if k > 1 else stdtr(df, z))
    return 0.5 * within - exp(log_density(df, z)) * z / (2 * df) * (_score(df, z) ** k if k else 1.0)


def_elementwise(
    student_moment,
    lambda g, ans, df, z, k: g * _wrt_df(df, z, k),
    lambda g, ans, df, z, k: g * exp(log_density(df, z)) * _score(df, z) ** k,
)

stdtr = primitive(sc.stdtr, name="stdtr", examples=_points)
def_elementwise(
    stdtr,
    lambda g, ans, df, z: g * _wrt_df(df, z, 0),
    lambda g, ans, df, z: g * exp(log_density(df, z)),
)

stdtrit = primitive(
    sc.stdtrit, name="stdtrit", examples=lambda r: [case(1 + r.positive(2, 3), 0.5 + 0.4 * r.unit(2, 3))]
)
def_elementwise(  # ans is defined implicitly by stdtr(df, ans) = p
    stdtrit,
    lambda g, ans, df, p: -g * _wrt_df(df, ans, 0) / exp(log_density(df, ans)),
    lambda g, ans, df, p: g / exp(log_density(df, ans)),
)
