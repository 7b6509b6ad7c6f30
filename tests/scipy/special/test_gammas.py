"""The gamma function and its kin: at poles and zeros, on the complex plane."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special as sc

from ddtrain import elementwise_grad
from ddtrain.autodiff import check_grads, jvp
from ddtrain.scipy import special


def slope(fun, x):
    return elementwise_grad(fun)(np.asarray(x, float))


def test_the_reciprocal_gamma_has_a_derivative_at_its_zeros():
    # 1/gamma is entire; at -n its derivative is (-1)^n n!, where psi and gamma both are infinite
    np.testing.assert_allclose(slope(special.rgamma, [0.0, -1.0, -2.0, -5.0]), [1.0, -1.0, 2.0, -120.0], rtol=1e-12)


def test_polygamma_of_complex_numbers_continues_the_real_one():
    x = np.array([0.3, 2.0, -3.7, 30.0])
    for n in (0, 1, 4):
        np.testing.assert_allclose(special.polygamma(n, x + 0j), special.polygamma(n, x), rtol=1e-13)


def test_multigammaln_is_scipys():
    assert special.multigammaln(4.5, 3) == pytest.approx(sc.multigammaln(4.5, 3), rel=1e-14)
    check_grads(lambda a: special.multigammaln(a, 3))(4.5)


@pytest.mark.parametrize("fun", [special.polygamma, special.expn, special.zeta, special.jn, special.gammainc])
def test_orders_may_be_lists(fun):
    orders = [2, 3]
    np.testing.assert_allclose(jvp(lambda x: fun(orders, x), (1.5,), (1.0,))[0], fun(np.array(orders), 1.5), rtol=1e-14)
    check_grads(lambda x: fun(orders, x))(1.5)
