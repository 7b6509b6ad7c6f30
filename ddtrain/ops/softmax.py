"""Softmax and log-softmax, as steps of a trace."""

from __future__ import annotations

from typing import Any

import numpy as onp

import ddtrain.numpy as np
from ddtrain.autodiff import Array, fused, nondifferentiable
from ddtrain.autodiff.core.examples import case
from ddtrain.kernels import softmax as kernel


def _largest(x: Any, axis: int) -> Any:
    return onp.max(x, axis=axis, keepdims=True, initial=-onp.inf)


_offset = nondifferentiable(_largest, name="softmax_offset", examples=lambda r: [case(r(3, 4), 0)])


def _shifted(x: Any, axis: int) -> Any:
    """``x`` less its largest entry, which is a constant here: the results do not depend on it."""
    x = x if x.dtype.kind in "fc" else x * 1.0
    return x - _offset(x, axis)


def _softmax(x: Array, axis: int = -1) -> Array:
    """``exp(x) / sum(exp(x))`` along an axis, without overflow.

    References
    ----------
    Bridle (1990), "Probabilistic interpretation of feedforward classification network outputs, with relationships to
    statistical pattern recognition".

    >>> softmax(np.array([0.0, 0.0, 1000.0]))
    array([0., 0., 1.])
    """
    e = np.exp(_shifted(x, axis))
    return e / np.sum(e, axis=axis, keepdims=True)


def _log_softmax(x: Array, axis: int = -1) -> Array:
    """The logarithm of the softmax, exact where the softmax itself underflows.

    ``x - log(sum(exp(x)))`` along an axis.

    References
    ----------
    Bridle (1990), "Probabilistic interpretation of feedforward classification network outputs, with relationships to
    statistical pattern recognition".

    >>> log_softmax(np.array([0.0, -1000.0]))
    array([    0., -1000.])
    """
    shifted = _shifted(x, axis)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def _softmax_forward(x: Any, axis: int = -1) -> tuple[Any, Any]:
    y = kernel.softmax(x, axis)
    return y, y


def _log_softmax_forward(x: Any, axis: int = -1) -> tuple[Any, Any]:
    y = kernel.log_softmax(x, axis)
    return y, y


softmax = fused(
    _softmax,
    _softmax_forward,
    lambda needs, g, y, x, axis=-1: [kernel.softmax_backward(g, y, axis)],
    mixed=1,
    name="softmax",
    examples=lambda r: [case(r(3, 4)), case(r(3, 2, 2), axis=0)],
)
log_softmax = fused(
    _log_softmax,
    _log_softmax_forward,
    lambda needs, g, y, x, axis=-1: [kernel.log_softmax_backward(g, y, axis)],
    mixed=1,
    name="log_softmax",
    examples=lambda r: [case(r(3, 4)), case(r(3, 2, 2), axis=0)],
)
