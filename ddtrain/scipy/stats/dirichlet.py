"""The Dirichlet distribution of concentrations ``alpha``, on the simplex."""

from __future__ import annotations

from typing import Any

from ddtrain.errors import ShapeError
from ddtrain.numpy import asarray, concatenate, exp, sum, transpose
from ddtrain.scipy.fallback import fallback_to
from ddtrain.scipy.special import digamma, gammaln, xlogy


def logpdf(x: Any, alpha: Any) -> Any:
    """Logarithm of the density.

    Parameters
    ----------
    x : (K,) or (K, N) points, components along the first axis; of K - 1 components, the last is what is left to 1
    alpha : (K,) positive

    Raises
    ------
    ShapeError : ``x`` has neither K nor K - 1 components

    Notes
    -----
    That the components add to 1 is not checked: they do not while a derivative is being probed. The derivative is
    that of the formula, in all components independently.

    >>> round(float(logpdf([0.5, 0.5], [2.0, 2.0])), 6)
    0.405465
    """
    x, alpha = (a if hasattr(a, "dtype") else asarray(a, float) for a in (x, alpha))
    if x.shape[0] == alpha.shape[0] - 1:
        x = concatenate([x, 1 - sum(x, 0, keepdims=True)])
    if x.shape[0] != alpha.shape[0]:
        raise ShapeError(f"dirichlet: x has {x.shape[0]} components but alpha {alpha.shape[0]} (x {x.shape})")
    return sum(xlogy(alpha - 1, transpose(x)), -1) + _minus_log_beta(alpha)


def _minus_log_beta(alpha: Any) -> Any:
    return gammaln(sum(alpha)) - sum(gammaln(alpha))


def pdf(x: Any, alpha: Any) -> Any:
    """The density."""
    return exp(logpdf(x, alpha))


def mean(alpha: Any) -> Any:
    """The expected point."""
    return alpha / sum(alpha)


def entropy(alpha: Any) -> Any:
    """The differential entropy, in nats."""
    total = sum(alpha)
    return -_minus_log_beta(alpha) + (total - alpha.shape[0]) * digamma(total) - sum((alpha - 1) * digamma(alpha))


__getattr__ = fallback_to("scipy.stats.dirichlet")
