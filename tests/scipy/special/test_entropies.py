"""Functions of an entropy at zero, where a logarithm alone is infinite."""

from __future__ import annotations

import numpy as np

from ddtrain import elementwise_grad, grad
from ddtrain.scipy import special


def test_functions_of_an_entropy_at_zero():
    assert elementwise_grad(special.xlogy, 1)(0.0, 0.0) == 0.0
    assert elementwise_grad(special.xlogy, 0)(0.0, 2.0) == np.log(2)
    assert elementwise_grad(special.xlog1py, 1)(0.0, -1.0) == 0.0
    assert elementwise_grad(special.kl_div, 1)(0.0, 3.0) == 1.0
    assert grad(grad(special.xlogy, 0), 1)(0.0, 4.0) == 0.25  # mixed, unharmed by the guard
