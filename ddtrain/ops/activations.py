"""Activations, each as one step of a trace. ``tanh`` is that of ``ddtrain.numpy``."""

from __future__ import annotations

import math
from typing import Any

import ddtrain.numpy as np
from ddtrain.autodiff import defjvp, defvjp, fused, primitive
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import UsageError
from ddtrain.kernels import activation as kernel
from ddtrain.kernels.normal_distribution import normal_cdf as _normal_cdf
from ddtrain.numpy import tanh

__all__ = ["gelu", "leaky_relu", "normal_cdf", "relu", "sigmoid", "tanh"]


def _relu(x: Any) -> Any:
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


def _leaky_relu(x: Any, slope: float = 0.01) -> Any:
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


def _sigmoid(x: Any) -> Any:
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


def _float_cdf(x: Any) -> Any:
    return _normal_cdf(x if x.dtype.kind == "f" else x * 1.0)


_float_cdf.__doc__ = _normal_cdf.__doc__
normal_cdf = primitive(_float_cdf, name="normal_cdf", examples=lambda r: [case(r(3, 4)), case(r())])
defvjp(normal_cdf, lambda g, ans, x: g * _normal_pdf(x))
defjvp(normal_cdf, lambda g, ans, x: g * _normal_pdf(x))


def _normal_pdf(x: Any) -> Any:
    return np.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))


def _gelu(x: Any, approximate: str = "none") -> Any:
    """``x * Phi(x)``, Phi being the normal distribution function (Hendrycks and Gimpel, arXiv:1606.08415).

    Parameters
    ----------
    approximate : ``"none"``, or ``"tanh"`` for ``0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x³)))``; as in PyTorch

    >>> gelu(np.array([-1.0, 1.0])).round(4)
    array([-0.1587,  0.8413])
    """
    _check_approximate(approximate)
    if approximate == "none":
        return x * normal_cdf(x)
    return 0.5 * x * (1.0 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


def _check_approximate(approximate: str) -> None:
    if approximate not in ("none", "tanh"):
        raise UsageError(f"gelu: approximate is {approximate!r}", remedy='Choose "none" or "tanh".')


def _gelu_forward(x: Any, approximate: str = "none") -> tuple[Any, Any]:
    _check_approximate(approximate)
    return (kernel.gelu_tanh(x) if approximate == "tanh" else kernel.gelu(x)), None


def _gelu_backward(needs: tuple[int, ...], g: Any, saved: Any, x: Any, approximate: str = "none") -> list[Any]:
    return [kernel.gelu_tanh_backward(g, x) if approximate == "tanh" else kernel.gelu_backward(g, x)]


gelu = fused(
    _gelu,
    _gelu_forward,
    _gelu_backward,
    mixed=1,
    name="gelu",
    examples=lambda r: [case(r(3, 4)), case(r()), case(r(3, 4), approximate="tanh")],
)
