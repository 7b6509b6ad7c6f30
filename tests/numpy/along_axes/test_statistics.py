"""Statistics of few observations, and counts with weights."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import grad, record, value_of

quietly = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of dividing by zero


def traced(fun, *xs):
    kept = []
    record(lambda *xs: (kept.append(fun(*xs)), np.sum(xs[0]))[1], xs)
    return value_of(kept[0])


@quietly
def test_covariance_of_one_observation():
    x = onp.ones((2, 1))
    onp.testing.assert_array_equal(traced(np.cov, x), onp.cov(x))


def test_weighted_bincount_is_linear_in_its_weights():
    x, w = onp.array([0, 1, 1]), onp.array([0.5, 1.0, 2.0])
    onp.testing.assert_array_equal(grad(lambda w: np.bincount(x, w)[1])(w), [0, 1, 1])
    onp.testing.assert_array_equal(grad(lambda w: onp.bincount(x, w)[1])(w), [0, 1, 1])
    onp.testing.assert_array_equal(np.bincount(x), [1, 2])
