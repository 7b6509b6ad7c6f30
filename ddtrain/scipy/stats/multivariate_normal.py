"""The multivariate normal distribution of ``mean`` and covariance ``cov``.

One Cholesky factor of the covariance gives both its determinant and the whitened distance.
"""

# N points, D dimensions

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ddtrain.autodiff import value_of
from ddtrain.errors import DerivativeError, ShapeError
from ddtrain.numpy import diagonal, exp, eye, log, reshape, sum, transpose
from ddtrain.numpy.linalg.factorizations import cholesky
from ddtrain.scipy._rest import rest_of
from ddtrain.scipy.linalg import solve_triangular


def _array(x: Any) -> Any:
    return x if hasattr(x, "dtype") else np.asarray(x, float)


def _matrix(mean: Any, cov: Any) -> Any:
    """``cov`` (a number, a diagonal, or a matrix) as a (D, D) matrix; D is the larger of those of mean and cov."""
    cov = _array(cov)
    dim = max(np.size(value_of(mean)) if mean is not None else 1, cov.shape[0] if cov.ndim else 1)
    if cov.ndim < 2:
        cov = cov * eye(dim)
    if cov.shape != (dim, dim):
        raise ShapeError(f"multivariate_normal: a mean of {dim} entries but a covariance of shape {cov.shape}")
    return cov


def _factor(cov: Any) -> Any:
    try:
        return cholesky(cov)
    except np.linalg.LinAlgError as error:
        raise DerivativeError(
            "multivariate_normal: the covariance is not positive definite, and has no derivative where it is singular",
            remedy="Add a little to its diagonal.",
        ) from error


def logpdf(x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
    """Logarithm of the density.

    Parameters
    ----------
    x : (..., D) points; (N,) where D is 1
    mean : (D,), zero unless told
    cov : (D, D) symmetric positive definite, or its (D,) diagonal, or one variance
    allow_singular : changes nothing: a singular covariance is refused

    Raises
    ------
    DerivativeError : the covariance is not positive definite
    ShapeError : mean and covariance disagree

    >>> round(float(logpdf(np.zeros(2), np.zeros(2), np.eye(2))), 6)
    -1.837877
    """
    x = _array(x)
    cov = _matrix(mean, cov)
    dim = cov.shape[0]
    if x.ndim == 0 or (x.ndim == 1 and dim == 1):
        x = x[..., None]
    lead = x.shape[:-1]
    factor = _factor(cov)
    off_ND = reshape(x if mean is None else x - mean, (-1, dim))
    white_DN = solve_triangular(factor, transpose(off_ND), lower=True)
    log_det = 2 * sum(log(diagonal(factor)))
    return reshape(-0.5 * (sum(white_DN * white_DN, 0) + log_det + dim * math.log(2 * math.pi)), lead)


def pdf(x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
    """The density."""
    return exp(logpdf(x, mean, cov, allow_singular))


def entropy(mean: Any = None, cov: Any = 1) -> Any:
    """The differential entropy, in nats; it does not depend on the mean."""
    cov = _matrix(mean, cov)
    return 0.5 * cov.shape[0] * (1 + math.log(2 * math.pi)) + sum(log(diagonal(_factor(cov))))


__getattr__ = rest_of("scipy.stats.multivariate_normal")
