"""Unique entries: the derivative is that of the first of equals."""

import numpy as onp

import ddtrain.numpy as np
from ddtrain.autodiff import grad, vjp


def test_the_derivative_of_unique_is_that_of_the_first_of_equals():
    x = onp.array([2.0, 1.0, 2.0])
    onp.testing.assert_array_equal(grad(lambda x: np.unique(x)[1])(x), [1, 0, 0])
    ours, theirs = (f(x, True, True, True) for f in (np.unique, onp.unique))
    onp.testing.assert_array_equal(vjp(lambda x: np.unique(x, return_counts=True)[0], x)[0], [1, 2])
    for a, b in zip(ours, theirs):
        onp.testing.assert_array_equal(a, b)
