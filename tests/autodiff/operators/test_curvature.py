"""Products with second derivatives, without the matrices."""

import numpy as onp

import ddtrain.numpy as np
from ddtrain.autodiff import (
    grad,
    hessian,
    hessian_tensor_product,
    hessian_vector_product,
    hvp,
    jacobian,
    jvp,
    make_ggnvp,
    make_hvp,
    tensor_jacobian_product,
    vector_jacobian_product,
)

A = onp.array([[2.0, -1.0], [0.5, 3.0]])
X = onp.array([0.3, -0.8])


def quartic(x):
    return np.sum((A @ x) ** 4)


def test_second_derivatives_agree_however_computed():
    v = onp.array([1.0, 2.0])
    h = hessian(quartic)(X)
    onp.testing.assert_allclose(h, 12 * A.T @ onp.diag((A @ X) ** 2) @ A, rtol=1e-12)
    onp.testing.assert_allclose(hvp(quartic, (X,), v), h @ v, rtol=1e-12)
    onp.testing.assert_allclose(grad(lambda x: np.dot(grad(quartic)(x), v))(X), h @ v, rtol=1e-12)
    onp.testing.assert_allclose(jvp(lambda x: jvp(quartic, (x,), (v,))[1], (X,), (v,))[1], v @ h @ v, rtol=1e-12)
    product, gradient = make_hvp(quartic)(X)
    onp.testing.assert_allclose(gradient, grad(quartic)(X))
    onp.testing.assert_allclose(product(v), h @ v, rtol=1e-12)


def test_products_take_the_vector_last():
    v = onp.array([1.0, 2.0])
    for product in (hessian_tensor_product, hessian_vector_product):
        onp.testing.assert_allclose(product(quartic)(X, v), hessian(quartic)(X) @ v, rtol=1e-12)
        onp.testing.assert_allclose(product(lambda k, x: k * quartic(x), 1)(2.0, X, v), 2 * hessian(quartic)(X) @ v)
    for product in (tensor_jacobian_product, vector_jacobian_product):
        onp.testing.assert_allclose(product(lambda x, k=1: k * (A @ x) ** 2)(X, v, k=3), 6 * A.T @ (v * (A @ X)))


def test_gauss_newton():
    f, g = lambda x, k: np.sin(A @ x) * k, lambda y: np.sum(np.exp(y))
    j, v = jacobian(f)(X, 2.0), onp.array([1.0, 2.0])
    h = onp.diag(onp.exp(f(X, 2.0)))
    onp.testing.assert_allclose(make_ggnvp(f, g)(X, 2.0)(v), j.T @ h @ j @ v, rtol=1e-12)
    onp.testing.assert_allclose(make_ggnvp(lambda k, x: f(x, k), f_argnum=1)(2.0, X)(v), j.T @ j @ v, rtol=1e-12)
