"""Lists of traced values as arguments: NumPy takes them for arrays, Autograd's users pass them."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import check_grads, grad, hessian, make_jvp
from ddtrain.errors import DerivativeError

X = onp.array([0.3, 1.2, -0.7])
CALLS = {
    "sum": lambda v: np.sum([v[0], v[1] * 2]),
    "sum along an axis": lambda v: np.sum([v, v**2], axis=0),
    "mean of a tuple": lambda v: np.mean(tuple(q**2 for q in v)),
    "max": lambda v: np.max([v[0], v[1]]),
    "var": lambda v: np.var([v[0], v[1]]),
    "dot": lambda v: np.dot([v[0], 1.0], onp.ones(2)),
    "beside a traced array": lambda v: np.maximum(v[:2], [v[1], v[2]]),
    "times": lambda v: v[:2] * [v[0], v[1]],
    "nested lists": lambda v: np.linalg.det([[v[0], v[1]], [2.0, v[2]]]),
    "reshape": lambda v: np.reshape([v, v**2], (3, 2)),
    "where": lambda v: np.where([True, False], [v[0], v[1]], [v[1], v[2] ** 2]),
    "clip": lambda v: np.clip([v[0], v[1]], 0.0, 1.0),
    "size": lambda v: np.sin(v) * np.size([v, v]) * np.ndim([v]) * np.shape([v, v])[0],
}


@pytest.mark.parametrize("name", CALLS)
def test_are_arrays(name):
    fun = CALLS[name]
    onp.testing.assert_array_equal(fun(X), make_jvp(fun)(X)(X)[0])
    check_grads(fun)(X)


@pytest.mark.parametrize("fun", [np.argmax, np.isnan, lambda v: np.greater(v, 0.0), np.count_nonzero])
def test_functions_without_derivative_take_them(fun):
    onp.testing.assert_array_equal(grad(lambda v: np.sum(v) * np.sum(fun([v[0], v[1]])))(X), onp.sum(fun(X[:2])))


def test_argument_that_is_a_list_under_nested_traces():
    f = lambda p: np.prod(p) * np.sum(p)
    assert grad(f)([1.0, 2.0, 3.0]) == [6 * 6 + 6, 3 * 6 + 6, 2 * 6 + 6]
    onp.testing.assert_allclose(hessian(lambda v: f([v[0], v[1]]))(X[:2]), hessian(f)(X[:2]))


def test_special_functions_and_distributions_take_them():
    special = pytest.importorskip("ddtrain.scipy.special")
    stats = pytest.importorskip("ddtrain.scipy.stats")
    check_grads(lambda v: special.logsumexp([v[0], v[1]]) + np.sum(special.softmax([v, v * 2]) ** 2))(X)
    check_grads(lambda v: stats.norm.logpdf([v[0], 1.0]) + stats.multivariate_normal.logpdf([v[0], v[1]], v[1:]))(X)


def test_other_errors_stay_what_they_were():
    with pytest.raises(ValueError, match="shape"):
        grad(lambda v: np.sum([v[:1], v[:2]]))(X)
    with pytest.raises(DerivativeError, match="Converting to a plain array"):
        grad(lambda v: onp.sum(onp.asarray(v)))(X)


def test_arrays_of_objects_are_refused():
    with pytest.raises(DerivativeError, match="arrays of objects"):
        grad(lambda v: np.sum(np.array([v[0], v[1]], dtype=object)))(X)
