"""The beta distribution of shapes ``a`` and ``b``, on (loc, loc + scale)."""

from __future__ import annotations

import math
from typing import Any

from ddtrain.numpy import exp, log, where
from ddtrain.scipy.fallback import fallback_to
from ddtrain.scipy.special import betainc, betaincc, betaincinv, betaln, xlog1py, xlogy
from ddtrain.scipy.stats._location_scale import minus_log, on_support, standardized


def logpdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the density.

    >>> round(float(logpdf(0.5, 2.0, 2.0)), 6)
    0.405465
    """
    z = standardized(x, loc, scale)
    inside = (z >= 0) & (z <= 1)
    density = on_support(inside, lambda z: xlogy(a - 1, z) + xlog1py(b - 1, -z) - betaln(a, b), z, -math.inf)
    return minus_log(density, scale)


def pdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density."""
    return exp(logpdf(x, a, b, loc, scale))


def cdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of at most ``x``."""
    z = standardized(x, loc, scale)
    return on_support((z > 0) & (z < 1), lambda z: betainc(a, b, z), z, where(z < 1, 0.0, 1.0))


def logcdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of :func:`cdf`; -inf up to ``loc``."""
    z = standardized(x, loc, scale)
    return on_support((z > 0) & (z < 1), lambda z: log(betainc(a, b, z)), z, where(z < 1, -math.inf, 0.0))


def sf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of more than ``x``."""
    z = standardized(x, loc, scale)
    return on_support((z > 0) & (z < 1), lambda z: betaincc(a, b, z), z, where(z < 1, 1.0, 0.0))


def logsf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of :func:`sf`; -inf from ``loc + scale`` on."""
    z = standardized(x, loc, scale)
    return on_support((z > 0) & (z < 1), lambda z: log(betaincc(a, b, z)), z, where(z < 1, 0.0, -math.inf))


def ppf(q: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The ``x`` whose :func:`cdf` is ``q``."""
    return loc + scale * betaincinv(a, b, q)


__getattr__ = fallback_to("scipy.stats.beta")
