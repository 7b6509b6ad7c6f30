"""The incomplete beta function's derivatives in its shapes: closed forms and the ends of the range."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain import elementwise_grad
from ddtrain.scipy import special


@pytest.mark.parametrize("a", [1e-3, 0.4, 3.0, 50.0, 1e4])
def test_incomplete_beta_in_closed_form(a):
    # I(a, 1; x) = x^a and I(1, b; x) = 1 - (1-x)^b
    x = np.array([1e-8, 0.2, 0.7, 0.999])
    shapes, one = np.full(4, a), np.ones(4)
    expected = x**a * np.log(x)
    np.testing.assert_allclose(elementwise_grad(special.betainc, 0)(shapes, one, x), expected, rtol=1e-10, atol=1e-300)
    expected = -((1 - x) ** a) * np.log1p(-x)
    np.testing.assert_allclose(elementwise_grad(special.betainc, 1)(one, shapes, x), expected, rtol=1e-10, atol=1e-300)
    twice = elementwise_grad(elementwise_grad(special.betainc, 0), 0)(shapes, one, x)
    # moments of size 1 / a^2 cancel near x = 1
    np.testing.assert_allclose(twice, x**a * np.log(x) ** 2, rtol=1e-7, atol=1e-13 * (100 + a**-2))


def test_incomplete_functions_at_the_ends_of_their_range():
    for argnum in (0, 1):
        for x in (0.0, 1.0):
            assert elementwise_grad(special.betainc, argnum)(2.0, 3.0, x) == pytest.approx(0.0, abs=1e-15)
    assert elementwise_grad(special.gammainc)(2.0, 0.0) == 0.0
    assert elementwise_grad(special.gammainc)(2.0, 1e4) == 0.0
    assert elementwise_grad(special.gammainc, 1)(1.0, 0.0) == 1.0
