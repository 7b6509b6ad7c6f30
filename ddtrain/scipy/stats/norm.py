"""The normal distribution of mean ``loc`` and standard deviation ``scale``."""

from __future__ import annotations

import math
from typing import Any

from ddtrain.numpy import exp
from ddtrain.scipy.fallback import fallback_to
from ddtrain.scipy.special import log_ndtr, ndtr, ndtri
from ddtrain.scipy.stats._location_scale import minus_log, standardized

HALF_LOG_2_PI = 0.5 * math.log(2 * math.pi)


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the density.

    >>> round(float(logpdf(0.0)), 6)
    -0.918939
    """
    z = standardized(x, loc, scale)
    return minus_log(-0.5 * z * z - HALF_LOG_2_PI, scale)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density."""
    return exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of at most ``x``."""
    return ndtr(standardized(x, loc, scale))


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of :func:`cdf`, exact where that underflows."""
    return log_ndtr(standardized(x, loc, scale))


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of more than ``x``."""
    return ndtr(-standardized(x, loc, scale))


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of :func:`sf`, exact where that underflows."""
    return log_ndtr(-standardized(x, loc, scale))


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The ``x`` whose :func:`cdf` is ``q``."""
    return loc + scale * ndtri(q)


__getattr__ = fallback_to("scipy.stats.norm")
