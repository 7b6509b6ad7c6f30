"""Bessel functions at zero and on the complex plane."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special as sc

from ddtrain import elementwise_grad, grad
from ddtrain.autodiff import check_grads
from ddtrain.scipy import special


def slope(fun, x):
    return elementwise_grad(fun)(np.asarray(x, float))


def test_bessel_functions_at_zero():
    assert slope(special.j1, 0.0) == 0.5
    assert slope(special.i1, 0.0) == 0.5
    assert slope(lambda x: special.jn(2, x), 0.0) == 0.0
    assert grad(grad(special.j0))(0.0) == -0.5


@pytest.mark.parametrize("name", ["jve", "yve"])
def test_the_scale_of_a_complex_bessel_function_is_not_analytic(name):
    fun = getattr(special, name)
    z = np.array([1.2 + 0.7j, 0.8 - 0.4j])
    np.testing.assert_array_equal(fun(1.5, z), getattr(sc, name)(1.5, z))
    check_grads(lambda z: fun(1.5, z))(z)
