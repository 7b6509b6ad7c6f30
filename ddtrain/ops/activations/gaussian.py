"""Activations made of the normal distribution: GELU, and the distribution function itself."""

from __future__ import annotations

import math
from typing import Any

import ddtrain.numpy as np
from ddtrain.autodiff import Array, defjvp, defvjp, fused, primitive
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import UsageError
from ddtrain.kernels import activation as kernel
from ddtrain.kernels.normal_distribution import normal_cdf as _normal_cdf


def _float_cdf(x: Array) -> Array:
    return _normal_cdf(x if x.dtype.kind == "f" else x * 1.0)


_float_cdf.__doc__ = _normal_cdf.__doc__
normal_cdf = primitive(_float_cdf, name="normal_cdf", examples=lambda r: [case(r(3, 4)), case(r())])
defvjp(normal_cdf, lambda g, ans, x: g * _normal_pdf(x))
defjvp(normal_cdf, lambda g, ans, x: g * _normal_pdf(x))


def _normal_pdf(x: Any) -> Any:
    return np.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))


def _gelu(x: Array, approximate: str = "none") -> Array:
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
