"""Updates by adaptive methods, in place, a piece at a time as in ``optimizer_update.py``: one function a method.

Every function takes values and gradients, then the vectors that the method remembers (zeros at the start), then
numbers. The gradient is ``g = scale * grad + decay * value``. Formulas and references stand with the methods in
``ddtrain.optim``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ddtrain.kernels.optimizer_update import PIECE, Array, effective_gradient, pieces
from ddtrain.kernels.workspace import scratch


def _steps(scale: float, decay: float, *vectors: Array) -> Iterator[tuple[Any, ...]]:
    """Pieces of (value, g, two arrays to work in, then those of the further vectors); g is only to be read."""
    n = min(PIECE, len(vectors[0]))
    names = ("update.step", "update.root", "update.gradient")
    work = [scratch(name, (n,), vectors[0].dtype) for name in names]
    for value, grad, *state in pieces(*vectors):
        a, b, g = (w[: len(value)] for w in work)
        yield (value, effective_gradient(grad, value, scale, decay, g), a, b, *state)


def _mix(mean: Array, x: Array, beta: float, work: Array) -> None:
    """``mean = beta * mean + (1 - beta) * x``; ``work`` may be ``x``."""
    mean *= beta
    mean += np.multiply(x, 1.0 - beta, out=work)


def adagrad(
    values: Array, grads: Array, total: Array, lr: float, eps: float = 1e-10, decay: float = 0.0, scale: float = 1.0
) -> None:
    """AdaGrad; ``total`` is the sum of squared gradients.

    >>> x, total = np.ones(1), np.zeros(1)
    >>> adagrad(x, np.array([4.0]), total, lr=0.5)
    >>> x, total
    (array([0.5]), array([16.]))
    """
    for value, g, a, b, total_ in _steps(scale, decay, values, grads, total):
        total_ += np.multiply(g, g, out=a)
        np.sqrt(total_, out=b)
        b += eps
        np.divide(g, b, out=a)
        value -= np.multiply(a, lr, out=a)


def rmsprop(
    values: Array,
    grads: Array,
    square: Array,
    mean: Array | None,
    velocity: Array | None,
    lr: float,
    rho: float = 0.99,
    eps: float = 1e-8,
    momentum: float = 0.0,
    decay: float = 0.0,
    scale: float = 1.0,
) -> None:
    """RMSProp; with ``mean`` centred, with ``velocity`` and ``momentum`` a heavy ball.

    >>> x, square = np.ones(1), np.zeros(1)
    >>> rmsprop(x, np.array([4.0]), square, None, None, lr=0.1)
    >>> x.round(6)
    array([0.])
    """
    further = [vector for vector in (mean, velocity) if vector is not None]
    for value, g, a, b, square_, *rest in _steps(scale, decay, values, grads, square, *further):
        np.multiply(g, g, out=a)
        _mix(square_, a, rho, a)
        np.copyto(b, square_)
        if mean is not None:
            _mix(rest[0], g, rho, a)
            b -= np.multiply(rest[0], rest[0], out=a)
        np.sqrt(b, out=b)
        b += eps
        np.divide(g, b, out=a)
        if velocity is not None:
            rest[-1][...] *= momentum
            rest[-1][...] += a
            np.copyto(a, rest[-1])
        value -= np.multiply(a, lr, out=a)


def adadelta(
    values: Array,
    grads: Array,
    square: Array,
    moved: Array,
    lr: float,
    rho: float = 0.9,
    eps: float = 1e-6,
    decay: float = 0.0,
    scale: float = 1.0,
) -> None:
    """AdaDelta; ``square`` and ``moved`` are running means of squared gradients and of squared steps.

    >>> x, square, moved = np.ones(1), np.zeros(1), np.zeros(1)
    >>> adadelta(x, np.array([4.0]), square, moved, lr=1.0)
    >>> x.round(6)
    array([0.996838])
    """
    for value, g, a, b, square_, moved_ in _steps(scale, decay, values, grads, square, moved):
        np.multiply(g, g, out=a)
        _mix(square_, a, rho, a)
        np.add(moved_, eps, out=a)
        np.sqrt(a, out=a)
        np.add(square_, eps, out=b)
        np.sqrt(b, out=b)
        a /= b
        a *= g
        np.multiply(a, a, out=b)
        _mix(moved_, b, rho, b)
        value -= np.multiply(a, lr, out=a)


def amsgrad(
    values: Array,
    grads: Array,
    m: Array,
    v: Array,
    largest: Array,
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    decay: float = 0.0,
    count: int = 1,
    scale: float = 1.0,
) -> None:
    """Adam whose second moment never falls: ``largest`` is the largest that it has been.

    >>> x, m, v, largest = np.ones(1), np.zeros(1), np.zeros(1), np.zeros(1)
    >>> amsgrad(x, np.array([4.0]), m, v, largest, lr=0.1)
    >>> x.round(6)
    array([0.9])
    """
    root = 1.0 / math.sqrt(1.0 - beta2**count)
    for value, g, a, b, m_, v_, largest_ in _steps(scale, decay, values, grads, m, v, largest):
        _mix(m_, g, beta1, a)
        np.multiply(g, g, out=a)
        _mix(v_, a, beta2, a)
        np.maximum(largest_, v_, out=largest_)
        np.sqrt(largest_, out=b)
        b *= root
        b += eps
        np.divide(m_, b, out=a)
        value -= np.multiply(a, lr / (1.0 - beta1**count), out=a)


def adamax(
    values: Array,
    grads: Array,
    m: Array,
    largest: Array,
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    decay: float = 0.0,
    count: int = 1,
    scale: float = 1.0,
) -> None:
    """Adam with the infinity norm: ``largest`` is a fading maximum of gradients' sizes.

    >>> x, m, largest = np.ones(1), np.zeros(1), np.zeros(1)
    >>> adamax(x, np.array([4.0]), m, largest, lr=0.1)
    >>> x.round(6)
    array([0.9])
    """
    for value, g, a, b, m_, largest_ in _steps(scale, decay, values, grads, m, largest):
        _mix(m_, g, beta1, a)
        np.abs(g, out=b)
        b += eps
        largest_ *= beta2
        np.maximum(largest_, b, out=largest_)
        np.divide(m_, largest_, out=a)
        value -= np.multiply(a, lr / (1.0 - beta1**count), out=a)


def radam(
    values: Array,
    grads: Array,
    m: Array,
    v: Array,
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    decay: float = 0.0,
    count: int = 1,
    scale: float = 1.0,
) -> None:
    """Adam with a rectified rate, and without the second moment while its variance is not bounded.

    >>> x, m, v = np.ones(1), np.zeros(1), np.zeros(1)
    >>> radam(x, np.array([4.0]), m, v, lr=0.1)  # the first steps are momentum's
    >>> x.round(6)
    array([0.6])
    """
    longest = 2.0 / (1.0 - beta2) - 1.0
    length = longest - 2.0 * count * beta2**count / (1.0 - beta2**count)
    rate, bounded = lr / (1.0 - beta1**count), length > 5.0
    if bounded:
        above = (length - 4.0) * (length - 2.0) * longest
        rate *= math.sqrt(above / ((longest - 4.0) * (longest - 2.0) * length)) * math.sqrt(1.0 - beta2**count)
    for value, g, a, b, m_, v_ in _steps(scale, decay, values, grads, m, v):
        _mix(m_, g, beta1, a)
        np.multiply(g, g, out=a)
        _mix(v_, a, beta2, a)
        np.multiply(m_, rate, out=a)
        if bounded:
            np.sqrt(v_, out=b)
            b += eps
            a /= b
        value -= a


def lion(
    values: Array,
    grads: Array,
    m: Array,
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.99,
    decay: float = 0.0,
    scale: float = 1.0,
) -> None:
    """The sign of a mean of gradients; decay is decoupled.

    >>> x, m = np.ones(2), np.zeros(2)
    >>> lion(x, np.array([4.0, -0.1]), m, lr=0.1)
    >>> x.round(6)
    array([0.9, 1.1])
    """
    for value, g, a, b, m_ in _steps(scale, 0.0, values, grads, m):
        np.multiply(m_, beta1, out=a)
        a += np.multiply(g, 1.0 - beta1, out=b)
        np.sign(a, out=a)
        _mix(m_, g, beta2, b)
        if decay:
            value *= 1.0 - lr * decay
        value -= np.multiply(a, lr, out=a)
