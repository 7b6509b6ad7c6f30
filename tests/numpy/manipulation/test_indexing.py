"""Indexing: places that are named twice have their derivatives added."""

import numpy as onp

import ddtrain.numpy as np
from ddtrain.autodiff import grad

rng = onp.random.default_rng(0)
V = rng.standard_normal(4)


def test_repeated_indices_add_up():
    onp.testing.assert_array_equal(grad(lambda x: np.sum(x[[0, 0, 2]] * onp.array([1.0, 2.0, 4.0])))(V), [3, 0, 4, 0])
