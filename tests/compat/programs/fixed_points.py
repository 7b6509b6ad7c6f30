"""An equilibrium as a function of what it depends on, and its implicit derivative."""

import autograd.numpy as np
from autograd import grad, jacobian
from autograd.misc.fixed_points import fixed_point


def newton_sqrt(a):
    return fixed_point(lambda a: lambda x: 0.5 * (x + a / x), a, 1.0, lambda x, y: np.abs(x - y), 1e-12)


def equilibrium(params):
    def step_of(params):
        weights, bias = params
        return lambda x: np.tanh(np.dot(weights, x) + bias)

    distance = lambda x, y: np.max(np.abs(x - y))
    return fixed_point(step_of, params, np.zeros(2), distance, 1e-13)


def run():
    params = (np.array([[0.3, -0.2], [0.1, 0.4]]), np.array([0.5, -1.0]))
    loss = lambda p: np.sum(equilibrium(p) ** 2)
    weights, bias = grad(loss)(params)
    return {
        "sqrt": newton_sqrt(2.0),
        "first": grad(newton_sqrt)(2.0),
        "second": grad(grad(newton_sqrt))(2.0),
        "weights": weights,
        "bias": bias,
        "jacobian": jacobian(lambda b: equilibrium((params[0], b)))(params[1]),
    }
