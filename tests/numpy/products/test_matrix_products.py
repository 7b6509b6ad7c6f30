"""Traces as functions and methods, and what a tensor product refuses."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import grad


def test_trace_is_a_method_too():
    x = onp.arange(9.0).reshape(3, 3)
    onp.testing.assert_array_equal(grad(lambda x: x.trace())(x), onp.eye(3))


def test_a_tensor_product_over_axes_of_different_lengths_is_refused():
    with pytest.raises(ValueError, match="tensordot: axes"):
        grad(lambda m: np.tensordot(m, m, 1))(onp.ones((3, 4)))
