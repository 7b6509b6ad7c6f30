"""Arrays put together of traced numbers, and parts of arrays."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import grad

rng = onp.random.default_rng(0)
V, M = rng.standard_normal(4), rng.standard_normal((3, 4))


def test_an_array_of_traced_numbers():
    rotate = lambda t: np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
    onp.testing.assert_allclose(
        grad(lambda t: np.sum(rotate(t) @ onp.array([1.0, 0.0])))(0.3), onp.cos(0.3) - onp.sin(0.3)
    )
    assert np.array([1, 2], float).dtype == float
    assert np.asarray(M) is M
    assert grad(lambda x: np.sum(np.array(x, onp.float32)))(V).dtype == V.dtype


def test_parts_that_are_not_equal_are_refused():
    with pytest.raises(ValueError, match="3 entries along axis 0 do not make 2 equal parts"):
        grad(lambda m: np.split(m, 2))(M)
