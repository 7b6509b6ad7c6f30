"""Logistic functions, softmax and logsumexp: large, infinite, weighted and masked terms."""

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


def test_the_logistic_function_far_out():
    np.testing.assert_allclose(slope(special.expit, [-700.0, 700.0]), np.exp([-700.0, -700.0]), rtol=1e-12)
    np.testing.assert_allclose(slope(special.log_expit, [-1e3, 1e3]), [1.0, 0.0])


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


def test_softplus_and_sinc():
    x = np.array([-800.0, -1.5, 0.0, 0.7, 800.0])
    np.testing.assert_allclose(special.softplus(x), np.logaddexp(0, x), rtol=1e-15)
    check_grads(special.softplus)(x[1:4])
    np.testing.assert_allclose(elementwise_grad(special.softplus)(x), sc.expit(x), rtol=1e-14)
    assert special.softplus(x.astype(np.float32)).dtype == np.float32
    np.testing.assert_array_equal(special.sinc(x), sc.sinc(x))
    check_grads(special.sinc)(x[1:4])


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
