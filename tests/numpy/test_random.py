"""Random numbers are NumPy's, and constants under a trace."""

import numpy as onp

import ddtrain.numpy as np
from ddtrain.autodiff import grad


def test_random_numbers_are_constants():
    assert (
        grad(lambda x: x * np.random.default_rng(0).standard_normal())(1.0)
        == onp.random.default_rng(0).standard_normal()
    )
