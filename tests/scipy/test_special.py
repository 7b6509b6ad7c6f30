"""Special functions where the conformance suite does not look: at zero, at poles, far out, at large parameters.

Values are SciPy's by construction; derivatives are held against closed forms, differences, and each other.
"""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special as sc

import ddtrain.numpy as dnp
from ddtrain import elementwise_grad, grad, hessian
from ddtrain.autodiff import check_grads, jvp
from ddtrain.scipy import special


def slope(fun, x):
    return elementwise_grad(fun)(np.asarray(x, float))


def test_the_reciprocal_gamma_has_a_derivative_at_its_zeros():
    # 1/gamma is entire; at -n its derivative is (-1)^n n!, where psi and gamma both are infinite
    np.testing.assert_allclose(slope(special.rgamma, [0.0, -1.0, -2.0, -5.0]), [1.0, -1.0, 2.0, -120.0], rtol=1e-12)


def test_bessel_functions_at_zero():
    assert slope(special.j1, 0.0) == 0.5
    assert slope(special.i1, 0.0) == 0.5
    assert slope(lambda x: special.jn(2, x), 0.0) == 0.0
    assert grad(grad(special.j0))(0.0) == -0.5


def test_functions_of_an_entropy_at_zero():
    assert elementwise_grad(special.xlogy, 1)(0.0, 0.0) == 0.0
    assert elementwise_grad(special.xlogy, 0)(0.0, 2.0) == np.log(2)
    assert elementwise_grad(special.xlog1py, 1)(0.0, -1.0) == 0.0
    assert elementwise_grad(special.kl_div, 1)(0.0, 3.0) == 1.0
    assert grad(grad(special.xlogy, 0), 1)(0.0, 4.0) == 0.25  # mixed, unharmed by the guard


@pytest.mark.parametrize("x", [-1e4, -50.0, -5.0, 0.0, 5.0, 50.0, 1e4])
def test_log_ndtr_in_both_tails(x):
    # asymptotically the slope is |x| + 1/|x| - 2/|x|^3; near zero the density over the probability
    first = slope(special.log_ndtr, x)
    expected = -x - 1 / x + 2 / x**3 if x < -40 else np.exp(-x * x / 2) / np.sqrt(2 * np.pi) / sc.ndtr(x)
    np.testing.assert_allclose(first, expected, rtol=1e-6 if x < -40 else 1e-12, atol=0)
    assert np.isfinite(grad(grad(special.log_ndtr))(x))


def test_the_logistic_function_far_out():
    np.testing.assert_allclose(slope(special.expit, [-700.0, 700.0]), np.exp([-700.0, -700.0]), rtol=1e-12)
    np.testing.assert_allclose(slope(special.log_expit, [-1e3, 1e3]), [1.0, 0.0])


@pytest.mark.parametrize("a", [1e-3, 0.3, 1.0, 7.5, 300.0, 1e4])
@pytest.mark.parametrize("z", [-6.0, -2.0, 0.0, 2.0, 6.0])
def test_incomplete_gamma_in_its_shape(a, z):
    # P varies over the smaller of a and sqrt(a); a step of 1e-4 of that is off by 1e-8 relative, and by rounding / step
    x = max(a + z * np.sqrt(a), 1e-3 * a)
    h = 1e-4 * min(a, np.sqrt(a))
    difference = (sc.gammainc(a + h, x) - sc.gammainc(a - h, x)) / (2 * h)
    actual = elementwise_grad(special.gammainc)(a, x)
    np.testing.assert_allclose(actual, difference, rtol=2e-6, atol=1e-13 / h)
    np.testing.assert_allclose(elementwise_grad(special.gammaincc)(a, x), -actual, rtol=1e-14)


def test_incomplete_gamma_at_shape_one_in_closed_form():
    # the integral of exp(-t) (log t + euler_gamma) over (0, x), by parts; relative accuracy in the upper tail
    x = np.array([1e-3, 0.1, 1.0, 5.0, 30.0])
    expected = -(np.exp(-x) * (np.euler_gamma + np.log(x)) + sc.exp1(x))
    np.testing.assert_allclose(elementwise_grad(special.gammainc)(np.ones(5), x), expected, rtol=1e-12)


@pytest.mark.parametrize("a", [1e-3, 0.4, 3.0, 50.0, 1e4])
def test_incomplete_beta_in_closed_form(a):
    # I(a, 1; x) = x^a and I(1, b; x) = 1 - (1-x)^b
    x = np.array([1e-8, 0.2, 0.7, 0.999])
    shapes, one = np.full(4, a), np.ones(4)
    expected = x**a * np.log(x)
    np.testing.assert_allclose(elementwise_grad(special.betainc, 0)(shapes, one, x), expected, rtol=1e-10, atol=1e-300)
    expected = -((1 - x) ** a) * np.log1p(-x)
    np.testing.assert_allclose(elementwise_grad(special.betainc, 1)(one, shapes, x), expected, rtol=1e-10, atol=1e-300)
    twice = elementwise_grad(elementwise_grad(special.betainc, 0), 0)(shapes, one, x)
    # moments of size 1 / a^2 cancel near x = 1
    np.testing.assert_allclose(twice, x**a * np.log(x) ** 2, rtol=1e-7, atol=1e-13 * (100 + a**-2))


def test_incomplete_functions_at_the_ends_of_their_range():
    for argnum in (0, 1):
        for x in (0.0, 1.0):
            assert elementwise_grad(special.betainc, argnum)(2.0, 3.0, x) == pytest.approx(0.0, abs=1e-15)
    assert elementwise_grad(special.gammainc)(2.0, 0.0) == 0.0
    assert elementwise_grad(special.gammainc)(2.0, 1e4) == 0.0
    assert elementwise_grad(special.gammainc, 1)(1.0, 0.0) == 1.0


def test_students_distribution_in_its_degrees_of_freedom():
    df, z = np.array([[0.5], [3.0], [40.0], [1e4]]), np.array([-8.0, -1.0, -1e-9, 0.0, 1e-9, 2.0])
    h = 1e-4 * df
    difference = (sc.stdtr(df + h, z) - sc.stdtr(df - h, z)) / (2 * h)
    grads = elementwise_grad(special.stdtr)(df + 0 * z, z + 0 * df)
    np.testing.assert_allclose(grads, difference, rtol=1e-5, atol=1e-8)
    mixed = elementwise_grad(elementwise_grad(special.stdtr, 0), 1)(3.0, 0.0)  # through the middle, where z^2 is flat
    h = 1e-5
    density = [np.exp(special.student.log_density(3.0 + s * h, 0.0)) for s in (1, -1)]
    np.testing.assert_allclose(mixed, (density[0] - density[1]) / (2 * h), rtol=1e-8)


def test_a_logsumexp_with_infinite_huge_and_masked_terms():
    assert special.logsumexp(np.array([1e4, 1e4])) == pytest.approx(1e4 + np.log(2))
    np.testing.assert_array_equal(slope(special.logsumexp, [-np.inf, 0.0, -np.inf]), [0.0, 1.0, 0.0])
    np.testing.assert_array_equal(slope(special.logsumexp, [-np.inf, -np.inf]), [0.0, 0.0])
    assert special.logsumexp(np.array([5.0, 1.0]), b=np.array([0.0, 1.0])) == 1.0
    np.testing.assert_allclose(slope(lambda x: special.logsumexp(x, b=np.array([0, 2])), [5.0, 1.0]), [0.0, 1.0])


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_logsumexp_is_scipys(axis, keepdims):
    rng = np.random.default_rng(0)
    x, b = rng.normal(size=(2, 3, 4)), rng.normal(size=(3, 1))
    for weights in (None, np.abs(b)):
        expected = sc.logsumexp(x, axis, weights, keepdims)
        np.testing.assert_allclose(special.logsumexp(x, axis, weights, keepdims), expected, rtol=1e-14)
        check_grads(lambda x, w=weights: special.logsumexp(x, axis, w, keepdims))(x)
    for ours, theirs in zip(special.logsumexp(x, axis, b, keepdims, True), sc.logsumexp(x, axis, b, keepdims, True)):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    check_grads(lambda x, b: special.logsumexp(x, axis, b, keepdims, True)[0])(x, b)


def test_softmax_of_large_scores():
    x = np.array([[1e4, 0.0], [0.0, -1e4]])
    np.testing.assert_array_equal(special.softmax(x, axis=1), sc.softmax(x, axis=1))
    np.testing.assert_array_equal(special.log_softmax(x, axis=1), sc.log_softmax(x, axis=1))
    check_grads(lambda x: special.softmax(x, axis=0))(np.random.default_rng(0).normal(size=(3, 2)))


def test_powers_after_box_and_cox_close_to_the_logarithm():
    # at lambda = 0 and beside it the slope in lambda is log(x)^2 / 2 + lambda log(x)^3 / 3
    lmbda = np.array([0.0, 1e-9, -1e-5])
    x = np.full(3, 2.5)
    expected = np.log(x) ** 2 / 2 + lmbda * np.log(x) ** 3 / 3
    np.testing.assert_allclose(elementwise_grad(special.boxcox, 1)(x, lmbda), expected, rtol=1e-9)
    y = np.log(x)
    np.testing.assert_allclose(
        elementwise_grad(special.inv_boxcox, 1)(y, lmbda), x * (-(y**2) / 2), rtol=1e-4
    )  # to first order in lambda


def test_polygamma_of_complex_numbers_continues_the_real_one():
    x = np.array([0.3, 2.0, -3.7, 30.0])
    for n in (0, 1, 4):
        np.testing.assert_allclose(special.polygamma(n, x + 0j), special.polygamma(n, x), rtol=1e-13)


def test_multigammaln_is_scipys():
    assert special.multigammaln(4.5, 3) == pytest.approx(sc.multigammaln(4.5, 3), rel=1e-14)
    check_grads(lambda a: special.multigammaln(a, 3))(4.5)


def test_lambertw_solves_its_equation_and_moves_with_it():
    x = np.array([0.0, 0.5, 3.0])
    w, tangent = jvp(special.lambertw, (x,), (np.ones(3),))
    np.testing.assert_allclose(w * dnp.exp(w), x, atol=1e-15)
    np.testing.assert_allclose(tangent, np.exp(-w) / (1 + w), rtol=1e-14)


def test_softplus_and_sinc():
    x = np.array([-800.0, -1.5, 0.0, 0.7, 800.0])
    np.testing.assert_allclose(special.softplus(x), np.logaddexp(0, x), rtol=1e-15)
    check_grads(special.softplus)(x[1:4])
    np.testing.assert_allclose(elementwise_grad(special.softplus)(x), sc.expit(x), rtol=1e-14)
    assert special.softplus(x.astype(np.float32)).dtype == np.float32
    np.testing.assert_array_equal(special.sinc(x), sc.sinc(x))
    check_grads(special.sinc)(x[1:4])


@pytest.mark.parametrize("name", ["jve", "yve"])
def test_the_scale_of_a_complex_bessel_function_is_not_analytic(name):
    fun = getattr(special, name)
    z = np.array([1.2 + 0.7j, 0.8 - 0.4j])
    np.testing.assert_array_equal(fun(1.5, z), getattr(sc, name)(1.5, z))
    check_grads(lambda z: fun(1.5, z))(z)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of infinity less infinity, where NaN is meant
def test_infinite_entries_of_a_logsumexp_share_its_derivative():
    inf = np.inf
    for x, expected in (
        ([inf, 0.0], [1, 0]),
        ([inf, inf, 0.0], [0.5, 0.5, 0]),
        ([-inf, 1.0], [0, 1]),
        ([-inf, -inf], [0, 0]),
        ([np.nan, 1.0], [np.nan, np.nan]),
    ):
        np.testing.assert_array_equal(grad(special.logsumexp)(np.array(x)), expected)
        v = np.arange(1.0, len(x) + 1)
        np.testing.assert_array_equal(jvp(special.logsumexp, (np.array(x),), (v,))[1], np.dot(expected, v))
    rows = np.array([[inf, 0.0], [1.0, 2.0]])
    p = 1 / (1 + np.exp(1.0))
    np.testing.assert_allclose(grad(lambda x: dnp.sum(special.logsumexp(x, 1)))(rows), [[1, 0], [p, 1 - p]], rtol=1e-15)
    b = np.array([1.0, 2.0, 0.0])
    np.testing.assert_allclose(grad(lambda x: special.logsumexp(x, b=b))(np.array([inf, inf, 0.0])), b / 3, rtol=1e-15)
    np.testing.assert_allclose(grad(lambda x: special.logsumexp(x, b=b))(np.array([0.0, 0.0, inf])), b / 3, rtol=1e-15)
    assert np.isfinite(hessian(special.logsumexp)(np.array([inf, 0.0]))).all()


@pytest.mark.parametrize("fun", [special.polygamma, special.expn, special.zeta, special.jn, special.gammainc])
def test_orders_may_be_lists(fun):
    orders = [2, 3]
    np.testing.assert_allclose(jvp(lambda x: fun(orders, x), (1.5,), (1.0,))[0], fun(np.array(orders), 1.5), rtol=1e-14)
    check_grads(lambda x: fun(orders, x))(1.5)
