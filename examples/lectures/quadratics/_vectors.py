"""Losses as functions of a vector, for methods that ask for second derivatives, with a count of what they ask."""

# D parameters

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ddtrain.numpy as dnp
from ddtrain import flatten, hvp, model_loss, nn, ops, rng, value_and_grad
from ddtrain.data import digits
from ddtrain.optim import Optim, make
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


def digits_network(hidden: int, samples: int, seed: int, penalty: float = 0.0) -> tuple[VectorObjective, Array]:
    """The loss of a network of 64, ``hidden`` tanh and 10 units on the first digits, with weights that begin it.

    Parameters
    ----------
    penalty : times half the squared length of all weights is added to the mean cross-entropy

    >>> loss, x = digits_network(hidden=2, samples=50, seed=0)
    >>> x.shape, 2 < loss.loss(x) < 3
    ((160,), True)
    """
    images = digits()
    x_ND, y_N = images.x_train[:samples].reshape(-1, 64) / 16.0, images.y_train[:samples]
    model = nn.Sequential(nn.Linear(64, hidden), nn.tanh(), nn.Linear(hidden, 10))
    loss, start = network(model, lambda model, x, y: ops.cross_entropy(model(x), y), seed)
    return VectorObjective(lambda w: loss(w, x_ND, y_N) + 0.5 * penalty * (w @ w)), start


def descend_on(objective: VectorObjective, start: Array, formula: Optim, lrs: Iterable[float]) -> tuple[Array, Array]:
    """What ``training.descend`` does, with a learning rate for each step.

    Returns
    -------
    points : (steps + 1, D), the start included
    losses : (steps + 1,), at these points; where they are no longer finite, the rest is infinite

    >>> from ddtrain.optim import Sgd
    >>> points, losses = descend_on(VectorObjective(lambda x: 0.5 * (x @ x)), np.ones(1), Sgd(momentum=0.0), [0.5, 1.0])
    >>> points.ravel().tolist(), losses.tolist()
    ([1.0, 0.5, 0.0], [0.5, 0.125, 0.0])
    """
    x, lrs = np.array(start, dtype=np.float64), [*lrs, 0.0]
    optimizer = make(formula, len(x), x.dtype)
    points, losses = np.full((len(lrs), len(x)), np.nan), np.full(len(lrs), np.inf)
    with np.errstate(over="ignore", invalid="ignore"):
        for step, lr in enumerate(lrs):
            loss, gradient = objective.loss_and_gradient(x)
            if not np.isfinite(loss) or not np.isfinite(gradient).all():
                break
            points[step], losses[step] = x, loss
            optimizer.apply(x, gradient, lr=lr)
    return points, losses
