"""Losses as functions of a vector, for methods that ask for second derivatives, with a count of what they ask."""

# D parameters

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ddtrain.numpy as dnp
from ddtrain import flatten, hvp, model_loss, nn, rng, value_and_grad
from ddtrain.optim.batch_methods.protocol import BatchMethod
from ddtrain.plan import compile as compiled

Array = NDArray[Any]
Loss = Callable[..., Any]


class VectorObjective:
    """The :class:`~ddtrain.optim.batch_methods.protocol.Objective` of a function of a vector.

    Parameters
    ----------
    loss : one number of a vector and of the arrays of a batch, in ``ddtrain.numpy``
    batch : these arrays
    seed : of the random directions that some methods take

    Attributes
    ----------
    batch : may be replaced between two steps
    losses, gradients, products : how many were asked for; a gradient comes with its loss
    """

    def __init__(self, loss: Loss, *batch: Array, seed: int = 0) -> None:
        self._loss, self._value_and_gradient = compiled(loss), compiled(value_and_grad(loss))
        self._product = compiled(lambda x, v, *batch: hvp(loss, (x, *batch), v))
        self.batch, self._seed = batch, seed
        self.losses = self.gradients = self.products = 0
        self.figures: dict[str, float] = {}

    @property
    def work(self) -> float:
        """In gradients: a loss is a third of one, a product with the Hessian two."""
        return self.losses / 3 + self.gradients + 2 * self.products

    def loss(self, x: Array) -> float:
        self.losses += 1
        return float(self._loss(x, *self.batch))

    def loss_and_gradient(self, x: Array) -> tuple[float, Array]:
        self.gradients += 1
        value, gradient = self._value_and_gradient(x, *self.batch)
        return float(value), gradient

    def hessian_product(self, x: Array, v: Array) -> Array:
        self.products += 1
        product: Array = self._product(x, v, *self.batch)
        return product

    def gauss_newton_product(self, x: Array, v: Array) -> Array:
        raise NotImplementedError("a function of a vector has no outputs in between")

    def curvature_gradient(self, x: Array) -> Array:
        return self.loss_and_gradient(x)[1]

    def random_signs(self, x: Array, number: int) -> Array:
        signs: Array = rng.stream(self._seed, "random signs", number).choice((-1.0, 1.0), x.size)
        return signs

    def random_normal(self, x: Array) -> Array:
        return rng.stream(self._seed, "random normal", self.products).standard_normal(x.size)

    def agree(self, numbers: Array) -> Array:
        return numbers


class Walk:
    """A batch method at work on a vector.

    Parameters
    ----------
    method : the optimizer, with its learning rate
    start : (D,)

    >>> from ddtrain.optim import Newton
    >>> walk = Walk(Newton(form="pure"), np.array([3.0, 4.0]))
    >>> walk.step(VectorObjective(lambda x: 0.5 * (x @ x))), walk.x.tolist()
    (12.5, [0.0, 0.0])
    """

    def __init__(self, method: BatchMethod, start: Array) -> None:
        self._method, self.x = method, np.array(start, dtype=np.float64)
        self._state = {name: np.zeros_like(self.x) for name in method.vectors()}

    def step(self, objective: VectorObjective) -> float:
        """Take one, and return the loss before it; where the loss or its gradient is not finite, none is taken."""
        loss, gradient = objective.loss_and_gradient(self.x)
        if np.isfinite(loss) and np.isfinite(gradient).all():
            self.x = self._method.step(objective, self.x, loss, gradient, self._state, self._method.lr)
        return loss


def network(model: nn.Module, loss: Callable[..., Any], seed: int) -> tuple[Loss, Array]:
    """A network's mean loss as a function of a vector of its weights and of a batch, and the vector it begins with.

    >>> loss, x = network(nn.Linear(2, 1), lambda model, x_ND: model(x_ND)[:, 0] ** 2, seed=0)
    >>> x.shape, float(loss(np.ones(3), np.array([[1.0, 1.0], [0.0, 0.0]])))
    ((3,), 5.0)
    """
    of_params, params = model_loss(model, loss, model.init(seed, "float64"))
    start, unflatten = flatten(params)
    return lambda x, *batch: dnp.mean(of_params(unflatten(x), *batch)), start
