"""Probabilities of orthants under a normal distribution: closed forms, and both modes."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from ddtrain import grad
from ddtrain.autodiff import check_grads, jvp, vjp
from ddtrain.scipy import stats


def covariance(n=3):
    m = np.random.default_rng(1).normal(size=(n, n))
    return m @ m.T + n * np.eye(n)


def orthant(r):
    """The probability that three standard normal variables of these correlations are all below 0 (Sheppard)."""
    return 1 / 8 + np.arcsin([r[0, 1], r[0, 2], r[1, 2]]).sum() / (4 * np.pi)


def bivariate(h, k, r):
    """By integrating over one variable."""
    normal = scipy.stats.norm
    inner = lambda t: normal.pdf(t) * normal.cdf((k - r * t) / np.sqrt(1 - r * r))
    return scipy.integrate.quad(inner, -np.inf, h, epsabs=1e-14)[0]


MVN = stats.multivariate_normal
COV = {n: covariance(n) for n in (1, 2, 3, 4)}
LOOSE = {"abseps": 1e-7, "maxpts": 10**6}  # of SciPy's integrator


@pytest.mark.parametrize("r", [0.0, 0.5, -0.8, 0.999])
@pytest.mark.parametrize(("h", "k"), [(0.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (1.2, 0.4), (-2.0, 1.0), (3.0, -3.0)])
def test_multivariate_normal_cdf_of_two_dimensions_is_exact(h, k, r):
    assert MVN.cdf([h, k], None, [[1, r], [r, 1]]) == pytest.approx(bivariate(h, k, r), abs=1e-13)


@pytest.mark.parametrize("method", ["cdf", "logcdf"])
def test_multivariate_normal_cdf_in_both_modes_to_second_order(method):
    rng = np.random.default_rng(3)
    fun = getattr(MVN, method)
    check_grads(fun)(np.array(0.7), np.array(0.2), np.array(1.4))
    check_grads(fun)(rng.normal(size=3), np.array([0.2]), np.array([[1.4]]))
    for shape in ((2,), (4, 2), (2, 3, 2)):
        x = rng.normal(size=shape)
        assert fun(x, None, COV[2]).shape == shape[:-1]
        check_grads(fun)(x, rng.normal(size=2), COV[2])
    check_grads(lambda d: fun(x, None, d))(np.array([1.0, 2.5]))  # a diagonal
    check_grads(lambda v: fun(x, np.zeros(2), v))(np.array(1.5))  # one variance


def test_multivariate_normal_cdf_of_three_dimensions():
    # derivatives leave two dimensions, and are exact; the value is an integration to abseps
    r = np.array([[1, 0.3, -0.5], [0.3, 1, 0.2], [-0.5, 0.2, 1]])
    assert MVN.cdf(np.zeros(3), None, r, **LOOSE) == pytest.approx(orthant(r), abs=1e-6)
    g = grad(lambda cov: MVN.cdf(np.zeros(3), None, cov))(r)
    off = ~np.eye(3, dtype=bool)  # at either place of a correlation half of 1 / (4 pi sqrt(1 - r^2))
    np.testing.assert_allclose(g[off], 1 / (8 * np.pi * np.sqrt(1 - r[off] ** 2)), rtol=1e-12)
    x, mean = np.array([0.4, -0.3, 1.0]), np.array([0.1, 0.0, -0.2])
    derivative = lambda x, mean, cov: vjp(MVN.cdf, x, mean, cov)[1](1.0)
    check_grads(derivative, order=1)(x, mean, COV[3])


@pytest.mark.parametrize("dim", [3, 4])
def test_multivariate_normal_cdf_of_independent_variables_is_a_product(dim):
    x, variances = np.linspace(-0.5, 1.5, dim), np.linspace(0.5, 2.0, dim)
    product = lambda x, v: stats.norm.cdf(x, 0.0, v**0.5).prod()
    theirs = lambda x, v: MVN.cdf(x, None, v, **LOOSE)
    value, pull = vjp(theirs, x, variances)
    expected, expected_pull = vjp(product, x, variances)
    assert value == pytest.approx(expected, abs=1e-6)
    tolerance = 1e-12 if dim == 3 else 1e-5  # three dimensions leave two, which are exact; four leave three
    for a, b in zip(pull(1.0), expected_pull(1.0), strict=True):
        np.testing.assert_allclose(a, b, atol=tolerance)


def test_forward_and_reverse_of_the_multivariate_normal_cdf_are_transposes():
    x, cov, how = np.array([0.4, -0.3, 1.0, 0.2]), COV[4], {"maxpts": 10**5}
    fun = lambda x, cov: MVN.cdf(x, None, cov, **how)
    directions = np.ones(4), np.eye(4)[::-1]
    pushed = jvp(fun, (x, cov), directions)[1]
    pulled = sum(np.sum(c * d) for c, d in zip(vjp(fun, x, cov)[1](1.0), directions, strict=True))
    assert pushed == pytest.approx(pulled, abs=1e-4)  # each integrates anew


def test_bounds_at_infinity_leave_the_others():
    x = np.array([0.3, np.inf])
    deviation = np.sqrt(COV[2][0, 0])
    assert MVN.cdf(x, None, COV[2]) == pytest.approx(scipy.stats.norm.cdf(0.3 / deviation), rel=1e-14)
    slope, of_cov = vjp(lambda x, cov: MVN.cdf(x, None, cov), x, COV[2])[1](1.0)
    np.testing.assert_allclose(slope, [scipy.stats.norm.pdf(0.3 / deviation) / deviation, 0.0], rtol=1e-12)
    assert np.isfinite(of_cov).all()
    assert MVN.cdf(-x, None, COV[2]) == 0.0
