"""Activations of two straight pieces that meet at zero: ReLU, leaky ReLU, and the one whose slope is learned."""

from __future__ import annotations

from typing import Any

import ddtrain.numpy as np
from ddtrain.autodiff import Array, fused
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import ShapeError
from ddtrain.kernels import activation as kernel


def _relu(x: Array) -> Array:
    """``max(x, 0)``; the derivative at 0 is 0.

    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return np.where(x <= 0, 0, x)  # written so that NaN stays NaN, with derivative 1


def _relu_forward(x: Any) -> tuple[Any, Any]:
    y = kernel.relu(x)
    return y, y


relu = fused(
    _relu,
    _relu_forward,
    lambda needs, g, y, x: [kernel.relu_backward(g, y)],
    mixed=1,
    name="relu",
    examples=lambda r: [case(r.spaced(3, 4)), case(r.spaced())],
)


def _leaky_relu(x: Array, slope: float = 0.01) -> Array:
    """x where positive, ``slope * x`` elsewhere.

    >>> leaky_relu(np.array([-1.0, 2.0]), slope=0.1)
    array([-0.1,  2. ])
    """
    return np.where(x > 0, x, slope * x)


leaky_relu = fused(
    _leaky_relu,
    lambda x, slope=0.01: (kernel.leaky_relu(x, slope), None),
    lambda needs, g, saved, x, slope=0.01: [kernel.leaky_relu_backward(g, x, slope)],
    mixed=1,
    name="leaky_relu",
    examples=lambda r: [case(r.spaced(3, 4)), case(r.spaced(2), slope=0.2)],
)


def prelu(x: Array, slope: Array) -> Array:
    """x where positive, ``slope * x`` elsewhere, differentiated by the slope, too.

    Parameters
    ----------
    x : (..., C)
    slope : () or (1,) for all channels, or (C,)

    Raises
    ------
    ShapeError : the slope is of another shape

    References
    ----------
    He, Zhang, Ren, Sun (2015), "Delving deep into rectifiers", arXiv:1502.01852.

    >>> prelu(np.array([[-1.0, -1.0, 2.0]]), np.array([0.1, 0.2, 0.3]))
    array([[-0.1, -0.2,  2. ]])
    """
    if slope.shape not in ((), (1,), x.shape[-1:]):
        raise ShapeError(
            f"prelu: slope has shape {slope.shape} but x has shape {x.shape}",
            remedy="Give one slope, or one a channel (the last axis).",
        )
    return np.where(x > 0, x, slope * x)
