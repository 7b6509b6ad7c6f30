"""Updates by adaptive methods, in place, a piece at a time as in ``optimizer_update.py``: one function a method.

Every function takes values and gradients, then the vectors that the method remembers (zeros at the start), then
numbers. The gradient is ``g = scale * grad + decay * value``; after the update each element is brought nearer to 0 by
its own rate times ``l1``. Formulas and references stand with the methods in ``ddtrain.optim``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ddtrain.kernels.seam import accelerated
from ddtrain.kernels.updates.optimizer_update import PIECE, Array, effective_gradient, pieces
from ddtrain.kernels.updates.soft_threshold import soft_threshold_
from ddtrain.kernels.workspace import scratch


def steps(scale: float, decay: float, *vectors: Array) -> Iterator[tuple[Any, ...]]:
    """Pieces of (value, g, two arrays to work in, then those of the further vectors); g is only to be read."""
    n = min(PIECE, len(vectors[0]))
    names = ("update.step", "update.root", "update.gradient")
    work = [scratch(name, (n,), vectors[0].dtype) for name in names]
    for value, grad, *state in pieces(*vectors):
        a, b, g = (w[: len(value)] for w in work)
        yield (value, effective_gradient(grad, value, scale, decay, g), a, b, *state)


def mix(mean: Array, x: Array, beta: float, work: Array) -> None:
    """``mean = beta * mean + (1 - beta) * x``; ``work`` may be ``x``."""
    mean *= beta
    mean += np.multiply(x, 1.0 - beta, out=work)


def root(x: Array, eps: float, eps_inside: bool, out: Array) -> Array:
    """``sqrt(x) + eps``, or ``sqrt(x + eps)`` with ``eps_inside``; ``out`` may be ``x``."""
    if eps_inside:
        return np.sqrt(np.add(x, eps, out=out), out=out)
    return np.add(np.sqrt(x, out=out), eps, out=out)


@accelerated
def adagrad(
    values: Array,
    grads: Array,
    total: Array,
    lr: float,
    eps: float = 1e-10,
    eps_inside_root: bool = False,
    decay: float = 0.0,
    scale: float = 1.0,
    l1: float = 0.0,
) -> None:
    """AdaGrad; ``total`` is the sum of squared gradients.

    >>> x, total = np.ones(1), np.zeros(1)
    >>> adagrad(x, np.array([4.0]), total, lr=0.5)
    >>> x, total
    (array([0.5]), array([16.]))
    """
    for value, g, a, b, total_ in steps(scale, decay, values, grads, total):
        total_ += np.multiply(g, g, out=a)
        np.divide(g, root(total_, eps, eps_inside_root, b), out=a)
        value -= np.multiply(a, lr, out=a)
        if l1:
            soft_threshold_(value, np.divide(lr * l1, b, out=b), a)


@accelerated
def rmsprop(
    values: Array,
    grads: Array,
    square: Array,
    mean: Array | None,
    velocity: Array | None,
    lr: float,
    rho: float = 0.99,
    eps: float = 1e-8,
    eps_inside_root: bool = False,
    momentum: float = 0.0,
    decay: float = 0.0,
    scale: float = 1.0,
    l1: float = 0.0,
) -> None:
    """RMSProp; with ``mean`` centred, with ``velocity`` and ``momentum`` a heavy ball.

    >>> x, square = np.ones(1), np.zeros(1)
    >>> rmsprop(x, np.array([4.0]), square, None, None, lr=0.1)
    >>> x.round(6)
    array([0.])
    """
    further = [vector for vector in (mean, velocity) if vector is not None]
    for value, g, a, b, square_, *rest in steps(scale, decay, values, grads, square, *further):
        np.multiply(g, g, out=a)
        mix(square_, a, rho, a)
        variance = square_
        if mean is not None:
            mix(rest[0], g, rho, a)
            variance = np.subtract(square_, np.multiply(rest[0], rest[0], out=a), out=b)
            np.maximum(b, 0.0, out=b)  # where rounding has made it negative
        np.divide(g, root(variance, eps, eps_inside_root, b), out=a)
        if velocity is not None:
            rest[-1][...] *= momentum
            rest[-1][...] += a
            np.copyto(a, rest[-1])
        value -= np.multiply(a, lr, out=a)
        if l1:
            total_rate = lr if velocity is None else lr / (1.0 - momentum)  # of a gradient, over all steps it enters
            soft_threshold_(value, np.divide(total_rate * l1, b, out=b), a)


@accelerated
def rmsprop_lookahead(
    values: Array,
    grads: Array,
    square: Array,
    velocity: Array,
    lr: float,
    rho: float = 0.99,
    eps: float = 1e-8,
    momentum: float = 0.9,
    decay: float = 0.0,
    scale: float = 1.0,
    l1: float = 0.0,
) -> None:
    """RMSProp with the rate inside the velocity, for gradients of the look-ahead point.

    >>> x, square, velocity = np.ones(1), np.zeros(1), np.zeros(1)
    >>> rmsprop_lookahead(x, np.array([4.0]), square, velocity, lr=0.1, rho=0.75)
    >>> x.round(6), velocity.round(6)
    (array([0.8]), array([-0.2]))
    """
    for value, g, a, b, square_, velocity_ in steps(scale, decay, values, grads, square, velocity):
        np.multiply(g, g, out=a)
        mix(square_, a, rho, a)
        np.divide(g, root(square_, eps, False, b), out=a)
        velocity_ *= momentum
        velocity_ -= np.multiply(a, lr, out=a)
        value += velocity_
        if l1:
            soft_threshold_(value, np.divide(lr * l1 / (1.0 - momentum), b, out=b), a)


@accelerated
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
    l1: float = 0.0,
) -> None:
    """AdaDelta; ``square`` and ``moved`` are running means of squared gradients and of squared steps.

    >>> x, square, moved = np.ones(1), np.zeros(1), np.zeros(1)
    >>> adadelta(x, np.array([4.0]), square, moved, lr=1.0)
    >>> x.round(6)
    array([0.996838])
    """
    for value, g, a, b, square_, moved_ in steps(scale, decay, values, grads, square, moved):
        np.multiply(g, g, out=a)
        mix(square_, a, rho, a)
        np.divide(root(moved_, eps, True, a), root(square_, eps, True, b), out=a)
        if l1:
            own = np.multiply(a, lr * l1, out=scratch("update.threshold", a.shape, a.dtype))
        a *= g
        np.multiply(a, a, out=b)
        mix(moved_, b, rho, b)
        value -= np.multiply(a, lr, out=a)
        if l1:
            soft_threshold_(value, own, a)


@accelerated
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
    for value, g, a, b, m_ in steps(scale, 0.0, values, grads, m):
        np.multiply(m_, beta1, out=a)
        a += np.multiply(g, 1.0 - beta1, out=b)
        np.sign(a, out=b)  # in place, NumPy's sign takes fifty times as long
        mix(m_, g, beta2, a)
        if decay:
            value *= 1.0 - lr * decay
        value -= np.multiply(b, lr, out=b)
