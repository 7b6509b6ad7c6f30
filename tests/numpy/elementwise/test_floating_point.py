"""Steps, signs and parts of numbers: which of their results move."""

import numpy as onp
from calls import INF

import ddtrain.numpy as np
from ddtrain.autodiff import grad


def test_steps_and_signs():
    assert grad(np.heaviside)(0.3, 0.5) == 0.0
    assert grad(np.copysign)(2.0, -0.0) == -1.0
    assert grad(lambda x: np.copysign(2.0, x))(-3.0) == 0.0
    assert grad(lambda x: np.modf(x)[1] + np.fix(x) + np.nextafter(x, 3.0))(2.5) == 0.0
    onp.testing.assert_array_equal(np.modf(onp.array([-INF, INF, -2.5])), onp.modf([-INF, INF, -2.5]))
