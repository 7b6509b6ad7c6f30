"""The chi-squared distribution with ``df`` degrees of freedom: gamma of shape df / 2 and twice the scale."""

from __future__ import annotations

from typing import Any

from ddtrain.scipy.fallback import fallback_to
from ddtrain.scipy.stats import gamma


def logpdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the density.

    >>> round(float(logpdf(2.0, 2.0)), 6)
    -1.693147
    """
    return gamma.logpdf(x, 0.5 * df, loc, 2.0 * scale)


def pdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density."""
    return gamma.pdf(x, 0.5 * df, loc, 2.0 * scale)


def cdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of at most ``x``."""
    return gamma.cdf(x, 0.5 * df, loc, 2.0 * scale)


def logcdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of :func:`cdf`; -inf up to ``loc``."""
    return gamma.logcdf(x, 0.5 * df, loc, 2.0 * scale)


def sf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of more than ``x``."""
    return gamma.sf(x, 0.5 * df, loc, 2.0 * scale)


def logsf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of :func:`sf`."""
    return gamma.logsf(x, 0.5 * df, loc, 2.0 * scale)


def ppf(q: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The ``x`` whose :func:`cdf` is ``q``."""
    return gamma.ppf(q, 0.5 * df, loc, 2.0 * scale)


__getattr__ = fallback_to("scipy.stats.chi2")
