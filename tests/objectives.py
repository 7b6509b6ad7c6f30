"""Functions as objectives of methods that ask their batch for more than a gradient, on one rank and without a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as onp

from ddtrain.autodiff import hvp, make_ggnvp, value_and_grad


class Function:
    """An objective on one rank, which counts what it is asked.

    Parameters
    ----------
    function : the loss of the outputs; or of the parameters, without ``outputs``
    outputs : of the parameters
    """

    def __init__(self, function: Callable[[Any], Any], outputs: Callable[[Any], Any] = lambda x: x) -> None:
        self.function, self.outputs, self.loss_of = lambda x: function(outputs(x)), outputs, function
        self.losses = self.gradients = self.products = 0
        self.figures: dict[str, float] = {}

    def loss(self, x: Any) -> float:
        self.losses += 1
        return float(self.function(x))

    def loss_and_gradient(self, x: Any) -> Any:
        self.gradients += 1
        loss, gradient = value_and_grad(self.function)(x)
        return float(loss), gradient

    def hessian_product(self, x: Any, v: Any) -> Any:
        self.products += 1
        return hvp(self.function, (x,), v)

    def gauss_newton_product(self, x: Any, v: Any) -> Any:
        self.products += 1
        return make_ggnvp(self.outputs, self.loss_of)(x)(v)

    def curvature_gradient(self, x: Any) -> Any:
        return self.loss_and_gradient(x)[1]

    def random_signs(self, x: Any, number: int) -> Any:
        return onp.random.default_rng(number).choice([-1.0, 1.0], x.size)

    def random_normal(self, x: Any) -> Any:
        return onp.random.default_rng(self.gradients).standard_normal(x.size)

    def agree(self, numbers: Any) -> Any:
        return numbers


def minimize(method: Any, function: Any, start: Any, steps: int) -> tuple[Any, Function]:
    """The point after some steps. ``function`` is one of the parameters, or a :class:`Function`."""
    objective = function if isinstance(function, Function) else Function(function)
    x = onp.array(start, float)
    state = {name: onp.zeros_like(x) for name in method.vectors()}
    for _ in range(steps):
        loss, gradient = objective.loss_and_gradient(x)
        x = method.step(objective, x, loss, gradient, state, method.lr)
    return x, objective


def symmetric(values: Any, seed: int = 0) -> Any:
    """A matrix with these eigenvalues and random eigenvectors."""
    q, _ = onp.linalg.qr(onp.random.default_rng(seed).standard_normal((len(values), len(values))))
    return (q * onp.array(values)) @ q.T
