"""Complex numbers under the operators, against closed forms: from C to R, R to C, C to C.

Where Autograd has an answer, ``tests/compat`` holds ours to it.
"""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import (
    check_grads,
    grad,
    hessian,
    holomorphic_grad,
    jacobian,
    jvp,
    vjp,
)
from ddtrain.errors import DerivativeError

Z = onp.array([1.0 + 2.0j, -0.5 + 0.3j])
X = onp.array([0.4, -1.2])


def test_gradient_of_a_real_function_is_u_x_minus_i_u_y():
    onp.testing.assert_allclose(grad(lambda z: np.sum(np.abs(z) ** 2))(Z), 2 * Z.conj())
    onp.testing.assert_allclose(grad(lambda z: np.sum(np.real(z**2)))(Z), 2 * Z)
    onp.testing.assert_allclose(grad(lambda z: np.sum(np.imag(z**2)))(Z), -2j * Z)
    assert grad(lambda z: abs(z) ** 2)(1.0 + 2.0j) == 2 - 4j
    assert grad(np.real)(Z[0]).dtype == onp.complex128


def test_descent_follows_the_conjugate():
    z = Z
    for _ in range(100):
        z = z - 0.1 * grad(lambda z: np.sum(np.abs(z - 1j) ** 2))(z).conj()
    onp.testing.assert_allclose(z, 1j, atol=1e-8)


def test_holomorphic_functions():
    for f, derivative in ((lambda z: z**3, lambda z: 3 * z**2), (np.exp, onp.exp), (np.sin, onp.cos)):
        assert holomorphic_grad(f)(Z[0]) == pytest.approx(derivative(Z[0]), rel=1e-13)
        onp.testing.assert_allclose(jacobian(f)(Z), onp.diag(derivative(Z)), rtol=1e-13)
        onp.testing.assert_allclose(jvp(f, (Z,), (1j * Z,))[1], 1j * Z * derivative(Z), rtol=1e-13)
        onp.testing.assert_allclose(vjp(f, Z)[1](Z)[0], Z * derivative(Z), rtol=1e-13)


def test_jacobian_from_complex_to_real():
    onp.testing.assert_allclose(jacobian(lambda z: np.abs(z) ** 2)(Z), onp.diag(2 * Z.conj()))


def test_jacobian_from_real_to_complex():
    onp.testing.assert_allclose(jacobian(lambda x: np.exp(1j * x))(X), onp.diag(1j * onp.exp(1j * X)), rtol=1e-13)
    fourier = jacobian(lambda x: np.stack([x[0] + x[1], (x[0] - x[1]) * 1j]))(X)
    onp.testing.assert_allclose(fourier, [[1, 1], [1j, -1j]])
    assert jacobian(lambda x: x * 1j)(X.astype(onp.float32)).dtype == onp.complex64


def test_jacobian_of_mixed_arguments():
    rows = jacobian(lambda x, z: x * z, (0, 1))(X, Z)
    onp.testing.assert_allclose(rows[0], onp.diag(Z))
    onp.testing.assert_allclose(rows[1], onp.diag(X))
    assert rows[1].dtype == onp.complex128


def test_second_derivatives():
    onp.testing.assert_allclose(hessian(lambda z: np.sum(np.real(z**3)))(Z), onp.diag(6 * Z), rtol=1e-12)
    onp.testing.assert_allclose(hessian(lambda x: np.sum(np.abs(np.exp(1j * x) + x) ** 2))(X), _moved(X), rtol=1e-6)
    check_grads(lambda z: np.sum(np.abs(z * np.conj(z) + z**2)), order=2)(Z)
    check_grads(lambda x: np.exp(1j * x) * x, order=3)(X)
    check_grads(lambda x, z: {"a": x * z, "b": [np.abs(z)]}, order=2)(X, Z)


def _moved(x):
    # |e^(ix) + x|^2 = 1 + 2 x cos x + x^2
    return onp.diag(2 - 4 * onp.sin(x) - 2 * x * onp.cos(x))


def test_a_real_argument_gets_a_real_gradient():
    g = grad(lambda x: np.real(np.sum((1 + 2j) * x * np.exp(1j * x))))(X)
    assert g.dtype == onp.float64
    mixed = grad(lambda p: np.abs(p["x"] * p["z"]))({"x": 2.0, "z": 3.0 + 4.0j})
    assert mixed["x"] == 5.0
    assert mixed["z"] == pytest.approx(2 * (3 - 4j) / 5)


def test_refusals():
    with pytest.raises(DerivativeError, match=r"returned dtype complex128, not a real number\n.*holomorphic_grad"):
        grad(lambda z: z**2)(Z[0])
    with pytest.raises(DerivativeError, match=r"returned shape \(2,\), but a gradient needs a scalar"):
        holomorphic_grad(np.sin)(Z)
    with pytest.warns(UserWarning, match="argument 0 of .* is not complex"):
        assert holomorphic_grad(lambda z: z**2)(1.0) == 2.0
