"""Choices: which argument has the derivative, also among equals, and positions of a condition alone."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import grad, record, value_of


def traced(fun, *xs):
    kept = []
    record(lambda *xs: (kept.append(fun(*xs)), np.sum(xs[0]))[1], xs)
    return value_of(kept[0])


def test_where_of_a_condition_alone_gives_positions():
    x = onp.array([[0.0, 2.0], [3.0, 0.0]])
    onp.testing.assert_array_equal(grad(lambda x: np.sum(x[np.where(x)] ** 2))(x), 2 * x)
    onp.testing.assert_array_equal(grad(lambda x: np.sum(x[onp.where(x > 2)]))(x), [[0, 0], [1, 0]])
    assert type(traced(np.where, x)) is tuple
    with pytest.raises(ValueError, match="x and y go together"):
        grad(lambda x: np.where(x, x))(x)


def test_ties_share_the_derivative():
    onp.testing.assert_array_equal(grad(lambda x: np.max(x))(onp.array([1.0, 2.0, 2.0])), [0.0, 0.5, 0.5])
    onp.testing.assert_array_equal(grad(lambda x: np.sum(np.maximum(x, 0.0)))(onp.array([-1.0, 0.0, 2.0])), [0, 0.5, 1])
    gx, gy = grad(lambda x, y: np.sum(np.minimum(x, y)), (0, 1))(onp.ones(2), onp.array([1.0, 3.0]))
    onp.testing.assert_array_equal([gx, gy], [[0.5, 1.0], [0.5, 0.0]])
