"""Normalisation by the root mean square, as one step of a trace."""

# D features

from __future__ import annotations

from typing import Any

import ddtrain.numpy as np
from ddtrain.autodiff import Array, fused
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import ShapeError
from ddtrain.kernels import layer_norm as kernel
from ddtrain.ops.argument_checks import check_vector


def _check(x: Any, scale: Any) -> None:
    if x.ndim == 0:
        raise ShapeError("rms_norm: x has no axis to normalise over")
    check_vector("rms_norm", "scale", scale, x.shape[-1], f"x {x.shape}")


def _rms_norm(x: Array, scale: Array, eps: float = 1e-5) -> Array:
    """``x / sqrt(mean(x²) + eps) * scale``: layer norm without means and shifts.

    Parameters
    ----------
    x : (..., D), normalised over the last axis
    scale : (D,)
    eps : added to the mean square

    References
    ----------
    Zhang and Sennrich (2019), "Root mean square layer normalization", arXiv:1910.07467.

    >>> rms_norm(np.array([[3.0, 4.0]]), np.ones(2), eps=0.0) * np.sqrt(12.5)
    array([[3., 4.]])
    """
    _check(x, scale)
    mean_square = np.sum(x * x, axis=-1, keepdims=True) / max(1, x.shape[-1])
    return x / np.sqrt(mean_square + eps) * scale


def _forward(x: Any, scale: Any, eps: float = 1e-5) -> tuple[Any, Any]:
    _check(x, scale)
    return kernel.rms_forward(x, scale, eps)


def _backward(needs: tuple[int, ...], g: Any, inv_rms: Any, x: Any, scale: Any, *_: Any, **__: Any) -> list[Any]:
    cotangents = kernel.rms_backward(g, x, inv_rms, scale)
    return [cotangents[i] for i in needs]


rms_norm = fused(
    _rms_norm,
    _forward,
    _backward,
    mixed=2,
    name="rms_norm",
    examples=lambda r: [case(r(4, 3), r(3)), case(r(2, 2, 3), r(3), eps=0.1)],
)
