"""Updates of the flat parameter vector, in place, a piece at a time.

A rule is several elementwise passes. Over the whole vector each would stream it from memory again; over pieces that
fit in cache only the first one does. Where pieces begin changes no bit, because everything here is elementwise.
Counted by cachegrind with a last level of 1 MiB, an update misses 1.02 times the lines of its vectors at most.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.seam import accelerated
from ddtrain.kernels.updates.soft_threshold import soft_threshold_
from ddtrain.kernels.workspace import scratch

Array = NDArray[Any]
PIECE = 1 << 14  # entries of float32, half as many of float64: 64 KiB, so that ten arrays share a cache of 1 MiB


def pieces(*vectors: Array) -> Iterator[tuple[Array, ...]]:
    n, length = len(vectors[0]), max(1, PIECE * 4 // vectors[0].itemsize)
    if n <= length:
        yield vectors
        return
    for start in range(0, n, length):
        yield tuple(v[start : start + length] for v in vectors)


def effective_gradient(grad: Array, value: Array, scale: float, decay: float, out: Array) -> Array:
    """``grad * scale + decay * value``, in ``out`` if it takes any work."""
    if decay == 0.0:
        return grad if scale == 1.0 else np.multiply(grad, scale, out=out)
    np.multiply(value, decay, out=out)
    if scale == 1.0:
        out += grad
    else:
        out += np.multiply(grad, scale, out=scratch("update.scaled", grad.shape, grad.dtype))
    return out


@accelerated
def sgd(
    values: Array,
    grads: Array,
    velocity: Array | None,
    lr: float,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
    scale: float = 1.0,
    gain: float = 1.0,
    threshold: float = 0.0,
) -> None:
    """Stochastic gradient descent, in place on ``values`` and ``velocity``.

    With ``g = gain * (scale * grad + weight_decay * value)``: ``velocity = momentum * velocity + g``, and the value
    moves by ``-lr * velocity``, or with Nesterov by ``-lr * (g + momentum * velocity)``. Then it is brought nearer to
    0 by ``threshold``.

    Parameters
    ----------
    velocity : zeros at the start; not used, and may be None, without momentum
    lr, gain : of the velocity in the value, and of the gradient in the velocity; which, is what forms of momentum
        differ in. PyTorch's is (rate, 1)
    threshold : of :func:`~ddtrain.kernels.updates.soft_threshold.soft_threshold_`

    >>> values, velocity = np.ones(1), np.zeros(1)
    >>> sgd(values, np.ones(1), velocity, lr=0.1, momentum=0.9)
    >>> sgd(values, np.ones(1), velocity, lr=0.1, momentum=0.9)
    >>> values.round(4), velocity
    (array([0.71]), array([1.9]))
    """
    step = scratch("update.step", (min(PIECE, len(values)),), values.dtype)
    for found in pieces(values, grads) if velocity is None or momentum == 0.0 else pieces(values, grads, velocity):
        value, work = found[0], step[: len(found[0])]
        g = effective_gradient(found[1], value, scale, weight_decay, work)
        if gain != 1.0:
            g = np.multiply(g, gain, out=work)
        if len(found) == 3:
            v = found[2]
            v *= momentum
            v += g
            if nesterov:
                value -= np.multiply(g, lr, out=work)
                value -= np.multiply(v, lr * momentum, out=work)
            else:
                value -= np.multiply(v, lr, out=work)
        else:
            value -= np.multiply(g, lr, out=work)
        if threshold:
            soft_threshold_(value, threshold, work)


@accelerated
def adam(
    values: Array,
    grads: Array,
    m: Array,
    v: Array,
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled: bool = False,
    count: int = 1,
    scale: float = 1.0,
    bias_correction: bool = True,
    l1: float = 0.0,
) -> None:
    """Adam, in place on ``values``, ``m`` and ``v``; AdamW with ``decoupled``.

    Parameters
    ----------
    m, v : running averages of the gradient and of its square, zeros at the start
    decoupled : shrink values by ``lr * weight_decay`` instead of adding ``weight_decay * value`` to the gradient
    count : the number of this update, from 1
    bias_correction : divide the averages by what their weights add up to so far
    l1 : each element is brought nearer to 0 by its own rate times this

    References
    ----------
    Kingma and Ba, arXiv:1412.6980, algorithm 1; Loshchilov and Hutter, arXiv:1711.05101, algorithm 2.

    >>> values, m, v = np.ones(2), np.zeros(2), np.zeros(2)
    >>> adam(values, np.array([1e-3, 1e3]), m, v, lr=0.1)
    >>> values.round(4)
    array([0.9, 0.9])
    """
    n = min(PIECE, len(values))
    work, denominator = scratch("update.step", (n,), values.dtype), scratch("update.root", (n,), values.dtype)
    rate, root_correction = lr, 1.0
    if bias_correction:
        rate = lr / (1.0 - beta1**count)
        root_correction = 1.0 / math.sqrt(1.0 - beta2**count)
    for value, grad, m_, v_ in pieces(values, grads, m, v):
        a, b = work[: len(value)], denominator[: len(value)]
        g = effective_gradient(grad, value, scale, 0.0 if decoupled else weight_decay, a)
        np.multiply(g, g, out=b)
        b *= 1.0 - beta2
        v_ *= beta2
        v_ += b
        np.multiply(g, 1.0 - beta1, out=a)
        m_ *= beta1
        m_ += a
        np.sqrt(v_, out=b)
        b *= root_correction
        b += eps
        np.divide(m_, b, out=a)
        a *= rate
        if decoupled and weight_decay:
            value *= 1.0 - lr * weight_decay
        value -= a
        if l1:
            soft_threshold_(value, np.divide(lr * l1, b, out=b), a)


@accelerated
def add_scaled_(x: Array, y: Array, a: float) -> None:
    """``x += a * y``, in place.

    >>> x = np.ones(2)
    >>> add_scaled_(x, np.array([1.0, -1.0]), 0.5)
    >>> x
    array([1.5, 0.5])
    """
    step = scratch("update.step", (min(PIECE, len(x)),), x.dtype)
    for x_, y_ in pieces(x, y):
        x_ += np.multiply(y_, a, out=step[: len(x_)])


@accelerated
def square_norms(x: Array, cells_K2: Array) -> Array:
    """The sum of squares of each cell of a vector, summed in float64: of float32 no square is too large or too small.

    Parameters
    ----------
    cells_K2 : int64, where each cell begins and ends; its sum depends on nothing outside

    Returns
    -------
    (K,) float64

    >>> square_norms(np.array([3.0, 4.0, 1e30], np.float32), np.array([[0, 2], [2, 3]]))
    array([2.50000000e+01, 1.00000003e+60])
    """
    sums = np.zeros(len(cells_K2))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for k, (start, stop) in enumerate(cells_K2.tolist()):
            for (piece,) in pieces(x[start:stop]):
                wide = piece.astype(np.float64, copy=False)
                sums[k] += np.dot(wide, wide)
    return sums


def square_norm(x: Array) -> float:
    """The sum of squares of a whole vector, as in :func:`square_norms`.

    >>> square_norm(np.array([3.0, -4.0]))
    25.0
    """
    return float(square_norms(x, np.array([[0, len(x)]]))[0])


@accelerated
def clip_value_(x: Array, limit: float) -> None:
    """Bring every entry into [-limit, limit], in place; NaN stays.

    >>> x = np.array([-3.0, 0.5])
    >>> clip_value_(x, 1.0)
    >>> x
    array([-1. ,  0.5])
    """
    np.clip(x, -limit, limit, out=x)
