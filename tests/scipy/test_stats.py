"""Distributions: SciPy's values inside and outside the support, and derivatives in every parameter."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from ddtrain import elementwise_grad, grad
from ddtrain.autodiff import check_grads, jvp, vjp
from ddtrain.errors import DerivativeError, ShapeError
from ddtrain.scipy import stats

# distribution -> its shape parameters; points lie inside, on and outside the supports
SHAPES = {"norm": (), "t": (3.5,), "gamma": (2.3,), "chi2": (3.0,), "beta": (1.7, 2.2)}
LOC, SCALE = 0.4, 1.7
POINTS = np.array([-3.0, 0.4, 0.5, 1.0, 1.9, 2.1, 6.0])
METHODS = ("pdf", "logpdf", "cdf", "logcdf", "sf", "logsf")


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("method", METHODS)
def test_values_are_scipys(name, method):
    ours, theirs = getattr(getattr(stats, name), method), getattr(getattr(scipy.stats, name), method)
    with np.errstate(divide="ignore"):  # SciPy takes log(0) in a tail that has none of the mass
        expected = theirs(POINTS, *SHAPES[name], LOC, SCALE)
        np.testing.assert_allclose(ours(POINTS, *SHAPES[name], LOC, SCALE), expected, rtol=1e-11)
        np.testing.assert_allclose(ours(POINTS, *SHAPES[name]), theirs(POINTS, *SHAPES[name]), rtol=1e-11)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("method", METHODS)
def test_derivatives_in_every_parameter_in_both_modes_to_second_order(name, method):
    shapes = [np.asarray(s) for s in SHAPES[name]]
    inside = np.array([0.9, 1.3, 1.8])
    check_grads(getattr(getattr(stats, name), method))(inside, *shapes, np.asarray(LOC), np.asarray(SCALE))


@pytest.mark.parametrize("name", SHAPES)
def test_quantiles_invert_the_distribution_function(name):
    q, module = np.array([0.05, 0.5, 0.9]), getattr(stats, name)
    x = module.ppf(q, *SHAPES[name], LOC, SCALE)
    np.testing.assert_allclose(module.cdf(x, *SHAPES[name], LOC, SCALE), q, rtol=1e-9)
    slope = elementwise_grad(module.ppf)(q, *SHAPES[name], LOC, SCALE)
    np.testing.assert_allclose(slope, 1 / module.pdf(x, *SHAPES[name], LOC, SCALE), rtol=1e-9)


@pytest.mark.parametrize("name", ["gamma", "chi2", "beta"])
@pytest.mark.parametrize("method", ["pdf", "cdf", "sf"])
def test_outside_the_support_the_derivative_is_zero_and_not_nan(name, method):
    fun = getattr(getattr(stats, name), method)
    for argnum in range(1 + len(SHAPES[name])):
        assert elementwise_grad(fun, argnum)(np.array(-1.0), *SHAPES[name]) == 0.0


def test_tails_of_the_normal_do_not_underflow():
    assert stats.norm.logcdf(-40.0) == pytest.approx(scipy.stats.norm.logcdf(-40.0), rel=1e-13)
    assert grad(stats.norm.logsf)(40.0) == pytest.approx(-40.0 - 1 / 40, rel=1e-5)


def test_single_precision_stays():
    x = np.array([0.5, 1.0], np.float32)
    for method in METHODS:
        assert getattr(stats.norm, method)(x).dtype == np.float32
    assert elementwise_grad(stats.gamma.logpdf, 0)(x, np.float32(2.0)).dtype == np.float32


def test_the_t_distribution_of_many_degrees_of_freedom_is_normal():
    assert stats.t.logpdf(1.5, 1e12) == pytest.approx(scipy.stats.norm.logpdf(1.5), rel=1e-11)


@pytest.mark.parametrize("method", ["pmf", "logpmf", "cdf", "logcdf", "sf", "logsf"])
def test_poisson(method):
    k, mu = np.array([-1.0, 0.0, 1.0, 2.5, 7.0]), np.array(3.3)
    ours, theirs = getattr(stats.poisson, method), getattr(scipy.stats.poisson, method)
    np.testing.assert_allclose(ours(k, mu), theirs(k, mu), rtol=1e-12)
    np.testing.assert_allclose(ours(k, mu, 1), theirs(k, mu, 1), rtol=1e-12)
    check_grads(lambda mu: ours(np.array([0, 1, 6]), mu))(mu)


def test_dirichlet():
    rng = np.random.default_rng(0)  # points far from the faces, where derivatives are moderate
    alpha, x = rng.uniform(0.5, 3, 4), rng.dirichlet(np.full(4, 30.0), 3).T
    np.testing.assert_allclose(stats.dirichlet.logpdf(x, alpha), scipy.stats.dirichlet.logpdf(x, alpha), rtol=1e-12)
    np.testing.assert_allclose(stats.dirichlet.pdf(x[:-1, 0], alpha), scipy.stats.dirichlet.pdf(x[:, 0], alpha))
    assert stats.dirichlet.entropy(alpha) == pytest.approx(scipy.stats.dirichlet.entropy(alpha))
    for fun in (stats.dirichlet.logpdf, stats.dirichlet.pdf):
        check_grads(fun)(x, alpha)
    check_grads(stats.dirichlet.entropy)(alpha)
    with pytest.raises(ShapeError, match="x has 2 components but alpha 4"):
        stats.dirichlet.logpdf(np.ones(2), alpha)


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


OTHERS = {
    "binom": ("pmf", (3, 10, 0.5)),
    "expon": ("pdf", (1.0,)),
    "lognorm": ("logpdf", (1.0, 0.5)),
    "multinomial": ("pmf", ([1, 1], 2, [0.5, 0.5])),
    "uniform": ("cdf", (0.3,)),
    "vonmises": ("logpdf", (0.3, 2.0)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_every_other_distribution_is_scipys_and_refuses_traced_values_by_name(name):
    method, args = OTHERS[name]
    ours, theirs = getattr(stats, name), getattr(scipy.stats, name)
    assert getattr(ours, method)(*args) == getattr(theirs, method)(*args)
    assert isinstance(ours, type(theirs))
    assert isinstance(copy.copy(ours), type(theirs))
    with pytest.raises(DerivativeError, match=rf"scipy.stats.{name}.{method} has no derivative rule"):
        grad(lambda t: getattr(ours, method)(*args[:-1], t))(0.5)


def test_other_distributions_that_hold_parameters():
    assert stats.expon(scale=2.0).cdf(1.0) == scipy.stats.expon(scale=2.0).cdf(1.0)
    assert stats.expon(scale=2.0).mean() == 2.0
    assert stats.kstest([0.1, 0.2, 0.9], stats.expon.cdf).pvalue > 0
    assert repr(stats.expon) == repr(scipy.stats.expon)
    with pytest.raises(DerivativeError, match=r"scipy.stats.expon.cdf has no derivative rule"):
        grad(lambda x: stats.expon(scale=2.0).cdf(x))(1.0)
    with pytest.raises(DerivativeError, match=r"scipy.stats.expon has no derivative rule"):
        grad(lambda scale: stats.expon(scale=scale).cdf(1.0))(1.0)


HELD = {"beta": (2.0, 3.0), "chi2": (3.0,), "gamma": (2.0,), "norm": (0.2, 1.5), "t": (4.0, 0.1)}


@pytest.mark.parametrize("name", HELD)
@pytest.mark.parametrize("method", ["pdf", "logpdf", "cdf", "sf", "ppf"])
def test_distributions_with_rules_may_hold_their_parameters(name, method):
    ours, params = getattr(stats, name), HELD[name]
    held = getattr(scipy.stats, name)(*params)
    np.testing.assert_allclose(getattr(ours(*params), method)(0.4), getattr(held, method)(0.4), rtol=1e-12)
    check_grads(lambda x, *ps: getattr(ours(*ps), method)(x), order=1)(0.4, *params)


def test_what_holds_parameters_has_scipys_other_methods():
    assert stats.norm(1.0, 2.0).interval(0.9) == scipy.stats.norm(1.0, 2.0).interval(0.9)
    assert stats.poisson(2.0).mean() == 2.0
    assert stats.multivariate_normal([0.0, 1.0], np.eye(2)).rvs(random_state=0).shape == (2,)
    check_grads(lambda a: stats.dirichlet(a).entropy(), order=1)(np.array([2.0, 3.0]))
    with pytest.raises(DerivativeError, match=r"scipy.stats.norm.mean has no derivative rule"):
        grad(lambda m: stats.norm(m, 1.0).mean())(0.5)


@pytest.mark.parametrize("name", ["norm", "t", "gamma", "chi2", "beta", "poisson"])
def test_parameters_and_points_may_be_lists(name):
    points, shapes = [1, 2], {"norm": (), "beta": ([2.0, 3.0], [4.0, 1.5])}.get(name, ([2.0, 3.0],))
    x = [0.2, 0.7] if name == "beta" else points
    for method in ("logpmf", "cdf") if name == "poisson" else ("pdf", "logpdf", "cdf"):
        ours, theirs = getattr(getattr(stats, name), method), getattr(getattr(scipy.stats, name), method)
        scale = () if name == "poisson" else ([1.0, 2.0],)
        np.testing.assert_allclose(ours(x, *shapes, [0, 0], *scale), theirs(x, *shapes, [0, 0], *scale), rtol=1e-12)
        if name != "poisson":
            check_grads(lambda s, f=ours: f(x, *shapes, [0, 0], [s, 2.0]), order=1)(1.5)
