"""Powers where Python's own arithmetic would raise: a negative base has no slope in the exponent."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import grad, jvp

quietly = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of dividing by zero


@quietly
@pytest.mark.parametrize("base", [-2.0, -3, onp.float64(-2.0), onp.array([-2.0])])
def test_a_power_of_a_negative_base_has_no_slope_in_the_exponent(base):
    assert onp.isnan(grad(lambda y: np.sum(base**y))(2.0))
    assert onp.isnan(jvp(lambda y: np.sum(np.power(base, y)), (2.0,), (1.0,))[1])
    both = grad(lambda p: np.sum(base ** p[0] * 0 + p[1] ** 2))(onp.array([2.0, 3.0]))
    assert onp.isnan(both[0])
    assert both[1] == 6.0
