"""Updates by LAMB, in two passes, a piece at a time as in ``optimizer_update.py``. See ``ddtrain/optim/lamb.py``."""

from __future__ import annotations

import math

import numpy as np

from ddtrain.kernels.seam import accelerated
from ddtrain.kernels.updates.adaptive_update import mix
from ddtrain.kernels.updates.optimizer_update import PIECE, Array, pieces, square_norm
from ddtrain.kernels.workspace import scratch


@accelerated
def lamb_moments(
    values: Array,
    grads: Array,
    m: Array,
    v: Array,
    beta1: float,
    beta2: float,
    eps: float,
    decay: float,
    count: int,
    scale: float = 1.0,
) -> Array:
    """The first pass: ``m`` and ``v`` take in ``scale * grads``.

    Returns
    -------
    (2,) float64 : the sums of squares of values and of the direction, in an order that depends on their number alone

    >>> m, v = np.zeros(2), np.zeros(2)
    >>> lamb_moments(np.ones(2), np.array([3.0, -4.0]), m, v, 0.9, 0.999, 1e-9, 0.0, count=1)
    array([2., 2.])
    """
    work = scratch("update.step", (min(PIECE, len(values)),), values.dtype)
    sums = np.zeros(2)
    for value, grad, m_, v_ in pieces(values, grads, m, v):
        g = np.multiply(grad, scale, out=work[: len(value)])
        square = np.multiply(g, g, out=scratch("update.gradient", g.shape, g.dtype))
        mix(v_, square, beta2, square)
        mix(m_, g, beta1, g)
        sums[0] += square_norm(value)
        sums[1] += square_norm(_direction(value, m_, v_, beta1, beta2, eps, decay, count))
    return sums


@accelerated
def lamb(
    values: Array,
    m: Array,
    v: Array,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    decay: float,
    count: int,
) -> None:
    """The second pass: ``values -= lr * direction``.

    >>> x = np.array([1.0])
    >>> lamb(x, np.array([0.1]), np.array([0.001]), 0.5, 0.9, 0.999, 1e-9, 0.0, count=1)
    >>> x.round(6)
    array([0.5])
    """
    for value, m_, v_ in pieces(values, m, v):
        u = _direction(value, m_, v_, beta1, beta2, eps, decay, count)
        value -= np.multiply(u, lr, out=u)


def _direction(
    value: Array, m: Array, v: Array, beta1: float, beta2: float, eps: float, decay: float, count: int
) -> Array:
    """Adam's step with decoupled decay, before any rate; in an array that the next call overwrites."""
    u, b = (scratch(name, value.shape, value.dtype) for name in ("update.direction", "update.root"))
    np.sqrt(v, out=b)
    b *= 1.0 / math.sqrt(1.0 - beta2**count)
    b += eps
    np.multiply(m, 1.0 / (1.0 - beta1**count), out=u)
    u /= b
    if decay:
        u += np.multiply(value, decay, out=b)
    return u
