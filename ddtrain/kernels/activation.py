"""Elementwise activations, forward and backward; those of the normal distribution are in ``normal_distribution.py``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.normal_distribution import normal_cdf, normal_pdf
from ddtrain.kernels.seam import accelerated, reference_of

Array = NDArray[Any]
_SQRT_2_OVER_PI = 0.7978845608028654  # sqrt(2 / pi)
_CUBIC = 0.044715  # Hendrycks and Gimpel, arXiv:1606.08415


@accelerated
def relu(x: Array, out: Array | None = None) -> Array:
    """``max(x, 0)``; NaN stays NaN."""
    return np.maximum(x, 0, out=out)


@accelerated
def relu_backward(g: Array, y: Array, out: Array | None = None) -> Array:
    """g where the result y of :func:`relu` is not 0, else 0; where y is NaN, g passes, so that it stays visible."""
    return np.multiply(g, np.not_equal(y, 0), out=out)


@accelerated
def leaky_relu(x: Array, slope: float, out: Array | None = None) -> Array:
    """x where positive, ``slope * x`` elsewhere."""
    return np.multiply(x, _slopes(x, slope), out=out)


@accelerated
def leaky_relu_backward(g: Array, x: Array, slope: float, out: Array | None = None) -> Array:
    """g where x > 0, else ``slope * g``."""
    return np.multiply(g, _slopes(x, slope), out=out)


def _slopes(x: Array, slope: float) -> Array:
    slopes: Array = np.where(x > 0, x.dtype.type(1), x.dtype.type(slope))
    return slopes


@accelerated
def sigmoid(x: Array, out: Array | None = None) -> Array:
    """``1 / (1 + exp(-x))``, by way of exp(-|x|), which cannot overflow.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    small: Array = np.exp(-np.abs(x))  # in (0, 1]
    top = np.where(x >= 0, x.dtype.type(1), small)
    y: Array = np.divide(top, small + 1, out=out)
    return y


@accelerated
def sigmoid_backward(g: Array, y: Array, out: Array | None = None) -> Array:
    """``g * y * (1 - y)``."""
    slope: Array = (1 - y) * y
    return np.multiply(g, slope, out=out)


@accelerated
def gelu(x: Array, out: Array | None = None) -> Array:
    """``x * Phi(x)``, Phi being the distribution function of the normal distribution."""
    return np.multiply(x, reference_of(normal_cdf)(x), out=out)


@accelerated
def gelu_backward(g: Array, x: Array, out: Array | None = None) -> Array:
    """``g * (Phi(x) + x * phi(x))``."""
    slope = reference_of(normal_pdf)(x)
    slope *= x
    slope += reference_of(normal_cdf)(x)
    return np.multiply(g, slope, out=out)


def _tanh_of_cubic(x: Array) -> Array:
    inner = np.empty(x.shape, x.dtype)
    np.multiply(x, x, out=inner)
    inner *= _CUBIC
    inner += 1
    inner *= x
    inner *= _SQRT_2_OVER_PI
    return np.tanh(inner, out=inner)


@accelerated
def gelu_tanh(x: Array, out: Array | None = None) -> Array:
    """GELU with ``tanh(sqrt(2/pi) * (x + 0.044715 x³))`` for erf: within 5e-4 of it, and faster."""
    y = _tanh_of_cubic(x)
    y += 1
    y *= 0.5
    return np.multiply(x, y, out=out)


@accelerated
def gelu_tanh_backward(g: Array, x: Array, out: Array | None = None) -> Array:
    """``g`` times the derivative of :func:`gelu_tanh`."""
    t = _tanh_of_cubic(x)
    inner_slope = _SQRT_2_OVER_PI * (1 + 3 * _CUBIC * x * x)
    slope: Array = 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner_slope
    return np.multiply(g, slope, out=out)


@accelerated
def silu(x: Array, out: Array | None = None) -> Array:
    """``x / (1 + exp(-x))``."""
    return np.multiply(x, reference_of(sigmoid)(x), out=out)


@accelerated
def silu_backward(g: Array, x: Array, out: Array | None = None) -> Array:
    """``g * s * (1 + x * (1 - s))``, s being the sigmoid."""
    s = reference_of(sigmoid)(x)
    slope: Array = s + x * (s * (1 - s))
    return np.multiply(g, slope, out=out)


@accelerated
def elu(x: Array, alpha: float, scale: float, out: Array | None = None) -> Array:
    """``scale`` times x where positive, times ``alpha * (exp(x) - 1)`` elsewhere.

    >>> elu(np.array([-1000.0, 3.0]), 1.0, 2.0)
    array([-2.,  6.])
    """
    y = np.empty(x.shape, x.dtype) if out is None else out
    left = np.expm1(np.minimum(x, 0)) * (alpha * scale)
    np.multiply(x, scale, out=y)
    np.copyto(y, left, where=~(x > 0))
    return y


@accelerated
def elu_backward(g: Array, x: Array, y: Array, alpha: float, scale: float, out: Array | None = None) -> Array:
    """g times the derivative of :func:`elu`, y being its result: ``y + alpha * scale`` on the left."""
    slope: Array = np.where(x > 0, x.dtype.type(scale), y + alpha * scale)
    return np.multiply(g, slope, out=out)


@accelerated
def softplus(x: Array, beta: float, out: Array | None = None) -> Array:
    """``log(1 + exp(beta * x)) / beta``."""
    y: Array = np.divide(np.logaddexp(x.dtype.type(0), beta * x), beta, out=out)
    return y


@accelerated
def softplus_backward(g: Array, x: Array, beta: float, out: Array | None = None) -> Array:
    """``g * sigmoid(beta * x)``."""
    return np.multiply(g, reference_of(sigmoid)(beta * x), out=out)


@accelerated
def hard_tanh(x: Array, low: float, high: float, out: Array | None = None) -> Array:
    """x between ``low`` and ``high``, and the nearer of them elsewhere; NaN stays NaN."""
    y: Array = np.clip(x, low, high, out=out)
    return y


@accelerated
def hard_tanh_backward(g: Array, x: Array, low: float, high: float, out: Array | None = None) -> Array:
    """g where x lies between ``low`` and ``high``, else 0; where x is NaN, g passes, so that it stays visible."""
    return np.multiply(g, ~((x <= low) | (x >= high)), out=out)


@accelerated
def hard_sigmoid(x: Array, out: Array | None = None) -> Array:
    """``x / 6 + 1/2``, but no less than 0 and no more than 1."""
    y: Array = np.clip(x / 6 + 0.5, 0, 1, out=out)
    return y


@accelerated
def hard_sigmoid_backward(g: Array, x: Array, out: Array | None = None) -> Array:
    """``g / 6`` where x lies between -3 and 3, else 0; where x is NaN, as between them."""
    return np.multiply(g / 6, ~((x <= -3) | (x >= 3)), out=out)
