"""Three optimizers of plain functions, with Autograd's signatures: ``grad(x, i)`` in, the last x out.

For training, see ``ddtrain.optim``: in place, on flat vectors, with state that can be saved. These take and return
any structure, which ``callback(x, i, g)`` sees before every step.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ddtrain.autograd.misc.flatten import flatten

Callback = Callable[[Any, int, Any], Any] | None


def unflatten_optimizer(optimize: Callable[..., Any]) -> Callable[..., Any]:
    """An optimizer of vectors, ``optimize(grad, x, callback, ...)``, as one of structures.

    >>> @unflatten_optimizer
    ... def halve(grad, x, callback=None, num_iters=1):
    ...     return x / 2**num_iters
    >>> halve(None, {"w": np.ones(2), "b": 4.0}, num_iters=2)
    {'w': array([0.25, 0.25]), 'b': array(1.)}
    """

    @wraps(optimize)
    def optimize_structure(grad: Any, x0: Any, callback: Callback = None, *args: Any, **kwargs: Any) -> Any:
        vector, unflatten = flatten(x0)

        def gradient(x: Any, i: int) -> Any:
            return flatten(grad(unflatten(x), i))[0]

        def tell(x: Any, i: int, g: Any) -> Any:
            return callback(unflatten(x), i, unflatten(g)) if callback else None

        return unflatten(optimize(gradient, vector, tell if callback else None, *args, **kwargs))

    return optimize_structure


def _descend(grad: Any, x: Any, callback: Callback, num_iters: int, step: Callable[[Any, int], Any]) -> Any:
    """``x`` after ``num_iters`` steps, each of which adds ``step(gradient, i)``."""
    for i in range(num_iters):
        g = grad(x, i)
        if callback:
            callback(x, i, g)
        x = x + step(g, i)
    return x


@unflatten_optimizer
def sgd(
    grad: Any, x: Any, callback: Callback = None, num_iters: int = 200, step_size: float = 0.1, mass: float = 0.9
) -> Any:
    """Gradient descent along a running mean of the gradients: v = mass v - (1 - mass) g, x = x + step_size v.

    >>> sgd(lambda x, i: 2 * x, np.ones(2), num_iters=2)
    array([0.9424, 0.9424])
    """
    velocity = np.zeros_like(x)

    def step(g: Any, i: int) -> Any:
        nonlocal velocity
        velocity = mass * velocity - (1.0 - mass) * g
        return step_size * velocity

    return _descend(grad, x, callback, num_iters, step)


@unflatten_optimizer
def rmsprop(
    grad: Any,
    x: Any,
    callback: Callback = None,
    num_iters: int = 100,
    step_size: float = 0.1,
    gamma: float = 0.9,
    eps: float = 1e-8,
) -> Any:
    """Gradients divided by the root of a running mean, which starts at 1, of their squares.

    References
    ----------
    Tieleman and Hinton, lecture 6.5, Neural Networks for Machine Learning, 2012.

    >>> rmsprop(lambda x, i: 2 * x, np.ones(1), num_iters=1).round(4)
    array([0.8246])
    """
    mean_square = np.ones_like(x)

    def step(g: Any, i: int) -> Any:
        nonlocal mean_square
        mean_square = gamma * mean_square + (1 - gamma) * g**2
        return -step_size * g / (np.sqrt(mean_square) + eps)

    return _descend(grad, x, callback, num_iters, step)


@unflatten_optimizer
def adam(
    grad: Any,
    x: Any,
    callback: Callback = None,
    num_iters: int = 100,
    step_size: float = 0.001,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
) -> Any:
    """Running means of the gradients over the root of those of their squares, both corrected for starting at 0.

    References
    ----------
    Kingma and Ba, Adam, algorithm 1, arXiv:1412.6980.

    >>> adam(lambda x, i: 2 * x, np.ones(2), num_iters=2).round(6)
    array([0.998, 0.998])
    """
    mean, mean_square = np.zeros_like(x), np.zeros_like(x)

    def step(g: Any, i: int) -> Any:
        nonlocal mean, mean_square
        mean = b1 * mean + (1 - b1) * g
        mean_square = b2 * mean_square + (1 - b2) * g**2
        return -step_size * (mean / (1 - b1 ** (i + 1))) / (np.sqrt(mean_square / (1 - b2 ** (i + 1))) + eps)

    return _descend(grad, x, callback, num_iters, step)
