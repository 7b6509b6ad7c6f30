"""The normal distribution of several dimensions: densities, short forms, singular covariances."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from ddtrain import grad
from ddtrain.autodiff import check_grads
from ddtrain.errors import DerivativeError, ShapeError
from ddtrain.scipy import stats


def covariance(n=3):
    m = np.random.default_rng(1).normal(size=(n, n))
    return m @ m.T + n * np.eye(n)


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 4, 3)])
def test_multivariate_normal(shape):
    rng = np.random.default_rng(0)
    x, mean, cov = rng.normal(size=shape), rng.normal(size=3), covariance()
    mvn, theirs = stats.multivariate_normal, scipy.stats.multivariate_normal
    for method in ("logpdf", "pdf"):
        expected = getattr(theirs, method)(x, mean, cov)
        actual = getattr(mvn, method)(x, mean, cov)
        assert np.shape(actual) == np.shape(expected)
        np.testing.assert_allclose(actual, expected, rtol=1e-11)
        check_grads(getattr(mvn, method))(x, mean, cov)
    assert mvn.entropy(mean, cov) == pytest.approx(theirs.entropy(mean, cov), rel=1e-13)
    check_grads(mvn.entropy)(mean, cov)


def test_multivariate_normal_of_short_forms():
    mvn, theirs = stats.multivariate_normal, scipy.stats.multivariate_normal
    x = np.array([0.3, -1.0])
    for args in ((x,), (x, x + 1), (x, x + 1, 2.0), (x, x + 1, np.array([1.0, 3.0])), (x, 0.5, 2.0), (0.3,)):
        np.testing.assert_allclose(mvn.logpdf(*args), theirs.logpdf(*args), rtol=1e-13)


def test_the_derivative_in_a_covariance_is_symmetric():
    g = grad(stats.multivariate_normal.logpdf, 2)(np.ones(3), np.zeros(3), covariance())
    np.testing.assert_allclose(g, g.T, rtol=1e-12)


def test_a_singular_covariance_is_refused_unless_it_is_a_constant_that_may_be():
    singular, mvn = np.ones((2, 2)), stats.multivariate_normal
    with pytest.raises(DerivativeError, match="not positive definite"):
        mvn.logpdf(np.ones(2), np.zeros(2), singular)
    with pytest.raises(DerivativeError, match="not positive definite"):
        grad(lambda cov: mvn.logpdf(np.ones(2), np.zeros(2), cov, allow_singular=True))(singular)
    with pytest.raises(ValueError, match="negative eigenvalues"):
        mvn.logpdf(np.ones(2), np.zeros(2), -np.eye(2), allow_singular=True)
    points, mean = np.array([[1.3, 0.3], [1.0, 1.0]]), np.array([1.0, 0.0])  # the second is off the line y = x - 1
    for cov in (singular, covariance()[:2, :2], np.diag([1, 0])):
        theirs = scipy.stats.multivariate_normal.logpdf(points, mean, cov, allow_singular=True)
        np.testing.assert_allclose(mvn.logpdf(points, mean, cov, True), theirs, rtol=1e-12)
        assert mvn.pdf(points[0], mean, cov, True) == pytest.approx(np.exp(theirs[0]), rel=1e-12)
    along = lambda t, c: mvn.logpdf(np.ones(2) * t, np.ones(2) * c, singular, allow_singular=True)
    check_grads(along)(0.7, -0.2)


def test_covariance_and_mean_have_one_length():
    with pytest.raises(ShapeError, match="mean of 3 entries"):
        stats.multivariate_normal.logpdf(np.ones(3), np.zeros(3), np.eye(2))


MVN = stats.multivariate_normal
COV = {n: covariance(n) for n in (1, 2, 3, 4)}


def test_what_the_multivariate_normal_cdf_refuses_where_traced():
    limit, x, singular = np.full(2, -1.0), np.ones(2), np.ones((2, 2))
    theirs = scipy.stats.multivariate_normal.cdf
    assert MVN.cdf(x, None, COV[2], lower_limit=limit) == pytest.approx(
        theirs(x, None, COV[2], lower_limit=limit), abs=1e-4
    )
    assert MVN.logcdf(x, None, singular, True) == pytest.approx(np.log(theirs(x, None, singular, True)), abs=1e-4)
    with pytest.raises(DerivativeError, match=r"cdf: lower_limit=.* has no derivative"):
        grad(lambda x: MVN.cdf(x, None, COV[2], lower_limit=limit))(x)
    with pytest.raises(DerivativeError, match="allow_singular=True has no derivative"):
        grad(lambda x: MVN.logcdf(x, None, singular, True))(x)
    with pytest.raises(DerivativeError, match="not positive definite"):
        MVN.cdf(x, None, singular)


def test_logcdf_of_one_dimension_does_not_underflow():
    assert grad(MVN.logcdf)(-50.0) == pytest.approx(50.0 + 1 / 50, rel=1e-5)
