"""Activations that rise from one level to another, smoothly or by straight pieces, and SiLU.

``tanh`` is that of ``ddtrain.numpy``.
"""

from __future__ import annotations

from typing import Any

import ddtrain.numpy as np
from ddtrain.autodiff import Array, fused
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import UsageError
from ddtrain.kernels import activation as kernel


def _sigmoid(x: Array) -> Array:
    """``1 / (1 + exp(-x))``, without overflow.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    return np.exp(-np.logaddexp(0.0, -x))


def _sigmoid_forward(x: Any) -> tuple[Any, Any]:
    y = kernel.sigmoid(x)
    return y, y


sigmoid = fused(
    _sigmoid,
    _sigmoid_forward,
    lambda needs, g, y, x: [kernel.sigmoid_backward(g, y)],
    mixed=1,
    name="sigmoid",
    examples=lambda r: [case(r(3, 4)), case(r())],
)


def _silu(x: Array) -> Array:
    """``x / (1 + exp(-x))``, also known as swish (Elfwing et al., arXiv:1702.03118).

    >>> silu(np.array([-1000.0, 0.0, 1000.0]))
    array([  -0.,    0., 1000.])
    """
    return x * _sigmoid(x)


silu = fused(
    _silu,
    lambda x: (kernel.silu(x), None),
    lambda needs, g, saved, x: [kernel.silu_backward(g, x)],
    mixed=1,
    name="silu",
    examples=lambda r: [case(r(3, 4)), case(r())],
)


def _check_levels(low: float, high: float) -> None:
    if not low < high:
        raise UsageError(f"hard_tanh: low {low} is not below high {high}")


def _hard_tanh(x: Array, low: float = -1.0, high: float = 1.0) -> Array:
    """x between ``low`` and ``high``, and the nearer of them elsewhere, where the derivative is 0.

    >>> hard_tanh(np.array([-3.0, 0.5, 3.0]))
    array([-1. ,  0.5,  1. ])
    """
    _check_levels(low, high)
    return np.where(x <= low, low, np.where(x >= high, high, x))


def _hard_tanh_forward(x: Any, low: float = -1.0, high: float = 1.0) -> tuple[Any, Any]:
    _check_levels(low, high)
    return kernel.hard_tanh(x, low, high), None


hard_tanh = fused(
    _hard_tanh,
    _hard_tanh_forward,
    lambda needs, g, saved, x, low=-1.0, high=1.0: [kernel.hard_tanh_backward(g, x, low, high)],
    mixed=1,
    name="hard_tanh",
    examples=lambda r: [case(2 * r.spaced(4, 6)), case(r.spaced(4, 6), low=-0.3, high=0.7)],
)


def _hard_sigmoid(x: Array) -> Array:
    """``x / 6 + 1/2`` between -3 and 3, 0 below and 1 above; the derivative there is 0.

    >>> hard_sigmoid(np.array([-4.0, 0.0, 4.0]))
    array([0. , 0.5, 1. ])
    """
    return np.where(x <= -3, 0.0, np.where(x >= 3, 1.0, x / 6 + 0.5))


hard_sigmoid = fused(
    _hard_sigmoid,
    lambda x: (kernel.hard_sigmoid(x), None),
    lambda needs, g, saved, x: [kernel.hard_sigmoid_backward(g, x)],
    mixed=1,
    name="hard_sigmoid",
    examples=lambda r: [case(5 * r.spaced(4, 6)), case(r.spaced())],
)
