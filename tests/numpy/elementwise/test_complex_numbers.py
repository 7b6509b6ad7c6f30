"""Parts and signs of complex numbers."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import grad, record, value_of, vjp


def traced(fun, *xs):
    kept = []
    record(lambda *xs: (kept.append(fun(*xs)), np.sum(xs[0]))[1], xs)
    return value_of(kept[0])


def test_the_sign_of_a_complex_number_turns():
    assert grad(lambda t: np.real(np.sign(t + 1j)))(1.0) == pytest.approx(1 / (2 * onp.sqrt(2)), rel=1e-15)
    z = onp.array([0.0, 3 - 4j])
    onp.testing.assert_array_equal(traced(np.sign, z), onp.sign(z))
    onp.testing.assert_array_equal(traced(onp.sign, z), onp.sign(z))
    assert (vjp(np.sign, z)[1](onp.ones(2) + 0j)[0][0]) == 0


def test_a_scalar_cotangent_of_imag_stays_an_array():
    z = onp.array([1 + 1j, 2.0])
    gradient = grad(lambda z: np.sum(np.imag(np.vdot(z, z * 2j)) * 1.0))(z)
    onp.testing.assert_allclose(gradient, 4 * z.conj())
