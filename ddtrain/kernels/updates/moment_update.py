"""Updates by Adam's kin, which divide a mean of gradients by a size of gradients: in place, as in ``adaptive_update``.

Formulas and references stand with the methods in ``ddtrain.optim``.
"""

from __future__ import annotations

import math

import numpy as np

from ddtrain.kernels.seam import accelerated
from ddtrain.kernels.updates.adaptive_update import mix, steps
from ddtrain.kernels.updates.optimizer_update import Array
from ddtrain.kernels.updates.soft_threshold import soft_threshold_


@accelerated
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
    l1: float = 0.0,
) -> None:
    """Adam whose second moment never falls: ``largest`` is the largest that it has been.

    >>> x, m, v, largest = np.ones(1), np.zeros(1), np.zeros(1), np.zeros(1)
    >>> amsgrad(x, np.array([4.0]), m, v, largest, lr=0.1)
    >>> x.round(6)
    array([0.9])
    """
    root = 1.0 / math.sqrt(1.0 - beta2**count)
    for value, g, a, b, m_, v_, largest_ in steps(scale, decay, values, grads, m, v, largest):
        mix(m_, g, beta1, a)
        np.multiply(g, g, out=a)
        mix(v_, a, beta2, a)
        np.maximum(largest_, v_, out=largest_)
        np.sqrt(largest_, out=b)
        b *= root
        b += eps
        np.divide(m_, b, out=a)
        value -= np.multiply(a, lr / (1.0 - beta1**count), out=a)
        if l1:
            soft_threshold_(value, np.divide(lr * l1, b, out=b), a)


@accelerated
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
    l1: float = 0.0,
) -> None:
    """Adam with the infinity norm: ``largest`` is a fading maximum of gradients' sizes.

    >>> x, m, largest = np.ones(1), np.zeros(1), np.zeros(1)
    >>> adamax(x, np.array([4.0]), m, largest, lr=0.1)
    >>> x.round(6)
    array([0.9])
    """
    for value, g, a, b, m_, largest_ in steps(scale, decay, values, grads, m, largest):
        mix(m_, g, beta1, a)
        np.abs(g, out=b)
        b += eps
        largest_ *= beta2
        np.maximum(largest_, b, out=largest_)
        np.divide(m_, largest_, out=a)
        value -= np.multiply(a, lr / (1.0 - beta1**count), out=a)
        if l1:
            soft_threshold_(value, np.divide(lr * l1, largest_, out=b), a)


@accelerated
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
    l1: float = 0.0,
) -> None:
    """Adam with a rectified rate, and without the second moment while its variance is not bounded.

    >>> x, m, v = np.ones(1), np.zeros(1), np.zeros(1)
    >>> radam(x, np.array([4.0]), m, v, lr=0.1)  # the first steps are momentum's
    >>> x.round(6)
    array([0.6])
    """
    longest = 2.0 / (1.0 - beta2) - 1.0
    length = longest - 2.0 * count * beta2**count / (1.0 - beta2**count)
    rate, bounded, rectified = lr / (1.0 - beta1**count), length > 5.0, 1.0
    if bounded:
        above = (length - 4.0) * (length - 2.0) * longest
        rectified = math.sqrt(above / ((longest - 4.0) * (longest - 2.0) * length)) * math.sqrt(1.0 - beta2**count)
    rate *= rectified
    for value, g, a, b, m_, v_ in steps(scale, decay, values, grads, m, v):
        mix(m_, g, beta1, a)
        np.multiply(g, g, out=a)
        mix(v_, a, beta2, a)
        np.multiply(m_, rate, out=a)
        if bounded:
            np.sqrt(v_, out=b)
            b += eps
            a /= b
        value -= a
        if l1:
            own = np.divide(lr * l1 * rectified, b, out=b) if bounded else lr * l1
            soft_threshold_(value, own, a)


@accelerated
def nadam(
    values: Array,
    grads: Array,
    m: Array,
    v: Array,
    lr: float,
    of_gradient: float,
    of_mean: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    decay: float = 0.0,
    count: int = 1,
    scale: float = 1.0,
    l1: float = 0.0,
) -> None:
    """Adam whose step is a sum of the gradient and its mean.

    Parameters
    ----------
    of_gradient, of_mean : what they are multiplied by, bias corrections included

    >>> x, m, v = np.ones(1), np.zeros(1), np.zeros(1)
    >>> nadam(x, np.array([4.0]), m, v, lr=0.1, of_gradient=1.0, of_mean=5.0)
    >>> x.round(6)
    array([0.85])
    """
    root = 1.0 / math.sqrt(1.0 - beta2**count)
    for value, g, a, b, m_, v_ in steps(scale, decay, values, grads, m, v):
        mix(m_, g, beta1, a)
        np.multiply(g, g, out=a)
        mix(v_, a, beta2, a)
        np.sqrt(v_, out=b)
        b *= root
        b += eps
        for vector, weight in ((g, of_gradient), (m_, of_mean)):
            np.multiply(vector, lr * weight, out=a)
            a /= b
            value -= a
        if l1:
            soft_threshold_(value, np.divide(lr * l1, b, out=b), a)
