"""Running products and products with zeros, nothing, or an overflow on the way."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import grad, jvp, record, value_of

quietly = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of dividing by zero


def traced(fun, *xs):
    kept = []
    record(lambda *xs: (kept.append(fun(*xs)), np.sum(xs[0]))[1], xs)
    return value_of(kept[0])


@quietly
@pytest.mark.parametrize(
    "x", [[1e-200, 1e200, 1e200], [0.0, 1e200, 1e200], [1e300, 1e-200, 1e-200], [1e200, 1e200, 0.0]]
)
def test_running_products_that_overflow_on_no_other_way(x):
    x = onp.array(x)
    for fun in (np.cumprod, np.cumulative_prod, np.nancumprod):
        onp.testing.assert_array_equal(traced(fun, x), onp.cumprod(x))
    onp.testing.assert_array_equal(traced(lambda x: np.cumprod(x[:, None], 0)[:, 0], x), onp.cumprod(x))


def test_derivatives_of_running_products_of_nothing_and_of_zeros():
    assert grad(lambda x: np.sum(np.cumprod(x)))(onp.zeros(0)).shape == (0,)
    assert jvp(np.cumprod, (onp.zeros((0, 2)),), (onp.zeros((0, 2)),))[1].shape == (0,)
    onp.testing.assert_array_equal(grad(lambda x: np.cumprod(x)[2])(onp.array([0.0, 3.0, 5.0])), [15, 0, 0])


def test_product_with_a_zero_keeps_the_other_factors():
    onp.testing.assert_array_equal(grad(np.prod)(onp.array([2.0, 0.0, 5.0])), [0.0, 10.0, 0.0])
