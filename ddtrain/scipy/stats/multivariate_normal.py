"""The multivariate normal distribution of ``mean`` and covariance ``cov``.

One Cholesky factor of the covariance gives both its determinant and the whitened distance; where it may be singular,
its eigenvectors do. For the distribution function see ``_multivariate_normal_cdf.py``.
"""

# N points, D dimensions

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ddtrain.autodiff import value_of
from ddtrain.errors import DerivativeError, ShapeError
from ddtrain.numpy import asarray, diagonal, exp, expand_dims, eye, log, reshape, sqrt, sum, transpose, where
from ddtrain.numpy.linalg.factorizations import cholesky
from ddtrain.scipy.fallback import holds_a_box, refuse_options
from ddtrain.scipy.linalg import solve_triangular
from ddtrain.scipy.special import log_ndtr
from ddtrain.scipy.stats._multivariate_normal_cdf import probability, theirs

FAR = 40.0  # so many standard deviations away, the density is 0 in double precision


def _array(x: Any) -> Any:
    return x if hasattr(x, "dtype") else asarray(x, float)


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
            remedy="Add a little to its diagonal, or pass it as a constant and allow_singular=True.",
        ) from error


def _within_support(off_ND: Any, cov: Any) -> Any:
    """Logarithms of the density on the subspace that a constant covariance, which may be singular, spans; -inf off it.

    What counts as nothing is what does for SciPy.
    """
    lengths, axes_DD = np.linalg.eigh(cov)
    nothing = (1e3 if lengths.dtype == np.float32 else 1e6) * np.finfo(lengths.dtype).eps * np.max(np.abs(lengths))
    if np.min(lengths) < -nothing:
        raise ValueError("multivariate_normal: the covariance has negative eigenvalues")
    held = lengths > nothing
    off_support = np.linalg.norm(value_of(off_ND) @ axes_DD[:, ~held], axis=1) >= 1e3 * nothing
    white_ND = off_ND @ (axes_DD[:, held] / np.sqrt(lengths[held]))
    log_det = np.sum(np.log(lengths[held]) + math.log(2 * math.pi))
    return where(off_support & ~np.all(held), -math.inf, -0.5 * (sum(white_ND * white_ND, 1) + log_det))


def _placed(x: Any, mean: Any, cov: Any) -> tuple[Any, Any, tuple[int, ...]]:
    """The points less the mean, (N, D); the covariance matrix; and the shape of the result."""
    x = _array(x)
    cov = _matrix(mean, cov)
    dim = cov.shape[0]
    if x.ndim == 0 or (x.ndim == 1 and dim == 1):
        x = x[..., None]
    return reshape(x if mean is None else x - mean, (-1, dim)), cov, x.shape[:-1]


def logpdf(x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
    """Logarithm of the density.

    Parameters
    ----------
    x : (..., D) points; (N,) where D is 1
    mean : (D,), by default zero
    cov : (D, D) symmetric positive definite, or its (D,) diagonal, or one variance
    allow_singular : a constant ``cov`` may be; the density is that on the subspace it spans, 0 off it

    Raises
    ------
    DerivativeError : the covariance is not positive definite
    ShapeError : mean and covariance disagree

    >>> round(float(logpdf(np.zeros(2), np.zeros(2), np.eye(2))), 6)
    -1.837877
    """
    off_ND, cov, lead = _placed(x, mean, cov)
    if allow_singular and not holds_a_box(cov):
        return reshape(_within_support(off_ND, cov), lead)
    dim = cov.shape[0]
    factor = _factor(cov)
    white_DN = solve_triangular(factor, transpose(off_ND), lower=True)
    log_det = 2 * sum(log(diagonal(factor)))
    return reshape(-0.5 * (sum(white_DN * white_DN, 0) + log_det + dim * math.log(2 * math.pi)), lead)


def pdf(x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
    """The density."""
    return exp(logpdf(x, mean, cov, allow_singular))


def _bounds(x: Any, mean: Any, cov: Any) -> tuple[Any, Any, tuple[int, ...]]:
    """The points in standard deviations, at most ``FAR``; the correlation matrix; and the shape of the result."""
    off_ND, cov, lead = _placed(x, mean, cov)
    _factor(value_of(cov))  # raises unless cov is positive definite
    cov = 0.5 * (cov + transpose(cov))
    deviation = sqrt(diagonal(cov))
    far = np.abs(value_of(off_ND)) > FAR * value_of(deviation)
    z_ND = where(far, FAR * np.sign(value_of(off_ND)), where(far, 0.0, off_ND) / deviation)
    return z_ND, cov / (expand_dims(deviation, 1) * deviation), lead


def _plain_options(args: tuple[Any, ...], allow_singular: bool, lower_limit: Any) -> bool:
    """Whether SciPy's function is asked, for an option that has no derivative."""
    asked = allow_singular or lower_limit is not None
    if asked and holds_a_box((*args, lower_limit)):
        refuse_options("multivariate_normal.cdf", allow_singular=allow_singular, lower_limit=lower_limit)
    return asked


def cdf(
    x: Any,
    mean: Any = None,
    cov: Any = 1,
    allow_singular: bool = False,
    maxpts: int | None = None,
    abseps: float = 1e-5,
    releps: float = 1e-5,
    *,
    lower_limit: Any = None,
    **options: Any,
) -> Any:
    """The probability of at most ``x`` in every dimension.

    Parameters
    ----------
    x, mean, cov : as of :func:`logpdf`; of a matrix that is not symmetric, the symmetric part
    allow_singular, lower_limit : answered by SciPy on plain arrays, refused where traced
    maxpts, abseps, releps, options : of SciPy's integrator, with ``rng`` where it has one

    Raises
    ------
    DerivativeError : the covariance is not positive definite
    ShapeError : mean and covariance disagree

    Notes
    -----
    In one and two dimensions exact to some 1e-15, with derivatives of every order. In D dimensions the value is
    SciPy's, a random integration to ``abseps``, and a derivative that of the integral, in which D - 1 and D - 2
    dimensions are left: exact for D = 3, and as good as SciPy's integration above.

    >>> round(float(cdf(np.zeros(2), np.zeros(2), np.array([[1.0, 0.5], [0.5, 1.0]]))), 6)
    0.333333
    """
    how = {"maxpts": maxpts, "abseps": abseps, "releps": releps, **options}
    if _plain_options((x, mean, cov), allow_singular, lower_limit):
        return theirs("cdf")(x, mean, cov, allow_singular, lower_limit=lower_limit, **how)
    z_ND, r_DD, lead = _bounds(x, mean, cov)
    return reshape(probability(z_ND, r_DD, how), lead)


def logcdf(x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False, *args: Any, **options: Any) -> Any:
    """Logarithm of :func:`cdf`, which takes the same options; in one dimension exact where that underflows.

    >>> round(float(logcdf(-50.0)), 3)
    -1254.831
    """
    if not allow_singular and options.get("lower_limit") is None:
        off_ND, matrix, lead = _placed(x, mean, cov)
        if matrix.shape[0] == 1:
            return reshape(log_ndtr(off_ND / _factor(matrix)), lead)
    return log(cdf(x, mean, cov, allow_singular, *args, **options))


def entropy(mean: Any = None, cov: Any = 1) -> Any:
    """The differential entropy, in nats; it does not depend on the mean."""
    cov = _matrix(mean, cov)
    return 0.5 * cov.shape[0] * (1 + math.log(2 * math.pi)) + sum(log(diagonal(_factor(cov))))


__getattr__ = theirs
