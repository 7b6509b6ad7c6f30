"""The Poisson distribution of mean ``mu``, on the counts k = loc, loc + 1, ...; counts have no derivative."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ddtrain.autodiff import BOXES
from ddtrain.errors import DerivativeError
from ddtrain.numpy import exp, log, where
from ddtrain.scipy.fallback import fallback_to
from ddtrain.scipy.special import gammainc, gammaincc, gammaln, xlogy


def _counts(k: Any, loc: Any, name: str) -> Any:
    if type(k) in BOXES or type(loc) in BOXES:
        raise DerivativeError(
            f"poisson.{name} has no derivative with respect to {'k' if type(k) in BOXES else 'loc'}: it counts",
            remedy="Hold it constant.",
        )
    return np.asarray(k, float) - loc


def logpmf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """Logarithm of the probability of ``k``; -inf for what is no count.

    >>> round(float(logpmf(2, 1.0)), 6)
    -1.693147
    """
    n = _counts(k, loc, "logpmf")
    possible = (n >= 0) & (n == np.floor(n))
    n = np.where(possible, n, 0.0)
    return where(possible, xlogy(n, mu) - gammaln(n + 1) - mu, -math.inf)


def pmf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """The probability of ``k``."""
    return exp(logpmf(k, mu, loc))


def cdf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """The probability of at most ``k``."""
    n = np.floor(_counts(k, loc, "cdf"))
    return where(n >= 0, gammaincc(np.maximum(n, 0.0) + 1, mu), 0.0)


def logcdf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """Logarithm of :func:`cdf`; -inf below ``loc``."""
    n = np.floor(_counts(k, loc, "logcdf"))
    return where(n >= 0, log(gammaincc(np.maximum(n, 0.0) + 1, mu)), -math.inf)


def sf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """The probability of more than ``k``."""
    n = np.floor(_counts(k, loc, "sf"))
    return where(n >= 0, gammainc(np.maximum(n, 0.0) + 1, mu), 1.0)


def logsf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """Logarithm of :func:`sf`."""
    return log(sf(k, mu, loc))


__getattr__ = fallback_to("scipy.stats.poisson")
