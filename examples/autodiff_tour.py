"""A tour of ddtrain's automatic differentiation, on the logistic regression of the lectures.

Run it from the root of the repository, after ``./launch/local.sh`` has made the environment::

    .venv/bin/python examples/autodiff_tour.py
"""

from collections.abc import Callable
from typing import Any

import ddtrain.numpy as np
from ddtrain import check_grads, elementwise_grad, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

# N = 4 examples, D = 3 features
inputs_ND = np.array([[0.52, 1.12, 0.77], [0.88, -1.08, 0.15], [0.52, 0.06, -1.30], [0.74, -2.49, 1.39]])
targets_N = np.array([True, True, False, True])


def sigmoid(x):
    return 0.5 * (np.tanh(x / 2.0) + 1.0)


def predictions(weights_D, inputs_ND):
    """The probability that each target is True."""
    return sigmoid(np.dot(inputs_ND, weights_D))


def training_loss(weights_D):
    """The negative log-likelihood of the targets, in nats."""
    p_N = predictions(weights_D, inputs_ND)
    return -np.sum(np.log(p_N * targets_N + (1 - p_N) * (1 - targets_N)))


def train(weights_D, steps=100, lr=0.5):
    """Gradient descent: ``grad`` turns the loss into the function that gives its gradient."""
    gradient = grad(training_loss)
    for _ in range(steps):
        weights_D = weights_D - lr * gradient(weights_D)
    return weights_D


def newton(weights_D, steps=6, ridge=0.1):
    """Newton's method on the ridge-regularised loss: a gradient, a Hessian and a solve a step."""
    loss = lambda w_D: training_loss(w_D) + 0.5 * ridge * np.sum(w_D**2)
    for _ in range(steps):
        weights_D = weights_D - np.linalg.solve(hessian(loss)(weights_D), grad(loss)(weights_D))
    return weights_D, grad(loss)(weights_D)


def main():
    start_D = np.zeros(3)

    print("1. Gradient descent")
    check_grads(training_loss)(start_D)
    print("   check_grads: both modes agree with finite differences, to second order")
    loss, gradient_D = value_and_grad(training_loss)(start_D)
    print(f"   loss {loss:.4f} with gradient {np.round(gradient_D, 3)} before training")
    trained_D = train(start_D)
    print(f"   loss {training_loss(trained_D):.4f} after 100 steps")

    print("2. Derivatives of derivatives: tanh at five points, and its first four derivatives there")
    points = np.linspace(-2.0, 2.0, 5)
    derivative: Callable[..., Any] = np.tanh
    for order in range(5):
        print(f"   order {order}: " + " ".join(f"{value:8.4f}" for value in derivative(points)))
        derivative = elementwise_grad(derivative)

    print("3. One Jacobian, two ways: a row for each pullback, a column for each push forward")
    model = lambda w_D: predictions(w_D, inputs_ND)
    jacobian_ND = jacobian(model)(trained_D)
    row_D = vjp(model, trained_D)[1](np.eye(4)[0])[0]
    column_N = jvp(model, (trained_D,), (np.eye(3)[0],))[1]
    print(f"   row 0 differs by {np.max(np.abs(row_D - jacobian_ND[0])):.0e}, ", end="")
    print(f"column 0 by {np.max(np.abs(column_N - jacobian_ND[:, 0])):.0e}")

    print("4. Curvature: a Hessian-vector product needs no Hessian")
    v_D = np.array([1.0, -1.0, 0.5])
    product_D, hessian_DD = hvp(training_loss, (trained_D,), v_D), hessian(training_loss)(trained_D)
    print(f"   hvp and Hessian @ v differ by {np.max(np.abs(product_D - hessian_DD @ v_D)):.0e}")
    _, slope_D = newton(start_D)
    print(f"   Newton's method: gradient norm {np.linalg.norm(slope_D):.0e} after 6 steps")

    print("5. Control flow is Python's, and parameters may be any structure of arrays")
    params = {"slope": 2.0, "powers": [np.array([1.0, 2.0]), 3.0]}

    def polynomial(params, x):
        total = 0.0
        for power in (1, 2):
            if x > 0:
                total = total + np.sum(params["powers"][0]) * x**power
        return params["slope"] * total * params["powers"][1]

    print(f"   {grad(polynomial)(params, 0.5)}")


if __name__ == "__main__":
    main()
