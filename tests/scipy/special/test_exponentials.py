"""Powers close to the logarithm, and the inverse of x exp(x)."""

from __future__ import annotations

import numpy as np

import ddtrain.numpy as dnp
from ddtrain import elementwise_grad
from ddtrain.autodiff import jvp
from ddtrain.scipy import special


def test_powers_after_box_and_cox_close_to_the_logarithm():
    # at lambda = 0 and beside it the slope in lambda is log(x)^2 / 2 + lambda log(x)^3 / 3
    lmbda = np.array([0.0, 1e-9, -1e-5])
    x = np.full(3, 2.5)
    expected = np.log(x) ** 2 / 2 + lmbda * np.log(x) ** 3 / 3
    np.testing.assert_allclose(elementwise_grad(special.boxcox, 1)(x, lmbda), expected, rtol=1e-9)
    y = np.log(x)
    np.testing.assert_allclose(
        elementwise_grad(special.inv_boxcox, 1)(y, lmbda), x * (-(y**2) / 2), rtol=1e-4
    )  # to first order in lambda


def test_lambertw_solves_its_equation_and_moves_with_it():
    x = np.array([0.0, 0.5, 3.0])
    w, tangent = jvp(special.lambertw, (x,), (np.ones(3),))
    np.testing.assert_allclose(w * dnp.exp(w), x, atol=1e-15)
    np.testing.assert_allclose(tangent, np.exp(-w) / (1 + w), rtol=1e-14)
