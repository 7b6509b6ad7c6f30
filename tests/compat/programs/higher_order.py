"""Every operator of second and higher order, and those that save time or memory."""

import autograd.numpy as np
from autograd import (
    checkpoint,
    elementwise_grad,
    grad,
    hessian,
    hessian_tensor_product,
    hessian_vector_product,
    jacobian,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_vjp,
    tensor_jacobian_product,
    vector_jacobian_product,
)
from autograd.misc.tracers import const_graph


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def model(x):
    return np.array([np.sin(x[0]) * x[1], np.exp(x[2] * x[0]), x[1] ** 2])


def run():
    x, v = np.array([0.3, -0.2, 0.5]), np.array([1.0, 2.0, -1.0])
    tanh_derivatives, derivative = [], np.tanh
    for _ in range(6):
        derivative = elementwise_grad(derivative)
        tanh_derivatives.append(derivative(x))
    newton = x
    for _ in range(4):
        newton = newton - np.linalg.solve(hessian(rosenbrock)(newton), grad(rosenbrock)(newton))
    product, gradient = make_hvp(rosenbrock)(x)
    pullback, value = make_vjp(model)(x)
    remembered = const_graph(lambda a, x: np.sum(np.sin(a * x)), 2.0)
    return {
        "tanh": tanh_derivatives,
        "newton": newton,
        "hvp": [
            hessian_tensor_product(rosenbrock)(x, v),
            hessian_vector_product(rosenbrock)(x, v),
            product(v),
            gradient,
        ],
        "jacobian": jacobian(model)(x),
        "vjp": [pullback(v), value, tensor_jacobian_product(model)(x, v), vector_jacobian_product(model)(x, v)],
        "jvp": make_jvp(model)(x)(v),
        "ggnvp": [make_ggnvp(model)(x)(v), make_ggnvp(model, lambda y: np.sum(y**4))(x)(v)],
        "checkpoint": grad(checkpoint(lambda x, y: np.sum(np.exp(x) * y)), (0, 1))(x, v),
        "const_graph": [remembered(x), remembered(v), grad(remembered)(x)],
        "third": jacobian(hessian(rosenbrock))(x),
    }
