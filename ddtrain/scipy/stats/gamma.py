"""The gamma distribution of shape ``a``, on x >= ``loc``."""

from __future__ import annotations

import math
from typing import Any

from ddtrain.numpy import exp, log
from ddtrain.scipy.fallback import fallback_to
from ddtrain.scipy.special import gammainc, gammaincc, gammaincinv, gammaln, xlogy
from ddtrain.scipy.stats._location_scale import minus_log, on_support, standardized


def logpdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the density.

    >>> round(float(logpdf(2.0, 3.0)), 6)
    -1.306853
    """
    z = standardized(x, loc, scale)
    return minus_log(on_support(z >= 0, lambda z: xlogy(a - 1, z) - z - gammaln(a), z, -math.inf), scale)


def pdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density."""
    return exp(logpdf(x, a, loc, scale))


def cdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of at most ``x``."""
    z = standardized(x, loc, scale)
    return on_support(z > 0, lambda z: gammainc(a, z), z, 0.0)


def logcdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of :func:`cdf`; -inf up to ``loc``."""
    z = standardized(x, loc, scale)
    return on_support(z > 0, lambda z: log(gammainc(a, z)), z, -math.inf)


def sf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of more than ``x``."""
    z = standardized(x, loc, scale)
    return on_support(z > 0, lambda z: gammaincc(a, z), z, 1.0)


def logsf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of :func:`sf`."""
    return log(sf(x, a, loc, scale))


def ppf(q: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The ``x`` whose :func:`cdf` is ``q``."""
    return loc + scale * gammaincinv(a, q)


__getattr__ = fallback_to("scipy.stats.gamma")
