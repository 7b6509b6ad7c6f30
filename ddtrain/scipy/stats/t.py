"""Student's t distribution with ``df`` degrees of freedom."""

from __future__ import annotations

from typing import Any

from ddtrain.numpy import exp, log
from ddtrain.scipy.fallback import fallback_to
from ddtrain.scipy.special.student import log_density, stdtr, stdtrit
from ddtrain.scipy.stats._location_scale import minus_log, standardized


def logpdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the density.

    >>> round(float(logpdf(0.0, 1.0)), 6)
    -1.14473
    """
    return minus_log(log_density(df, standardized(x, loc, scale)), scale)


def pdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density."""
    return exp(logpdf(x, df, loc, scale))


def cdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of at most ``x``."""
    return stdtr(df, standardized(x, loc, scale))


def logcdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of :func:`cdf`."""
    return log(cdf(x, df, loc, scale))


def sf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of more than ``x``."""
    return stdtr(df, -standardized(x, loc, scale))


def logsf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of :func:`sf`."""
    return log(sf(x, df, loc, scale))


def ppf(q: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The ``x`` whose :func:`cdf` is ``q``."""
    return loc + scale * stdtrit(df, q)


__getattr__ = fallback_to("scipy.stats.t")
