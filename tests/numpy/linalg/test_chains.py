"""Products of several matrices: any order gives the same product, and one alone is no chain."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import grad, vjp

rng = onp.random.default_rng(0)


def test_the_cheapest_order_is_a_matter_of_rounding_alone():
    parts = [rng.standard_normal(shape) for shape in ((10, 2), (2, 30), (30, 3), (3,))]
    product, pull = vjp(lambda *xs: np.linalg.multi_dot(xs), *parts)
    onp.testing.assert_allclose(product, parts[0] @ parts[1] @ parts[2] @ parts[3], rtol=1e-12)
    g = onp.ones(10)
    onp.testing.assert_allclose(pull(g)[3], parts[2].T @ (parts[1].T @ (parts[0].T @ g)), rtol=1e-12)


def test_a_chain_of_one_is_refused():
    with pytest.raises(ValueError, match="two arrays, 1 given"):
        grad(lambda x: np.linalg.multi_dot([x]))(onp.ones((4, 3)))
