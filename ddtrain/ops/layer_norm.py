"""Layer normalisation, as one step of a trace."""

# D features

from __future__ import annotations

from typing import Any

import ddtrain.numpy as np
from ddtrain.autodiff import Array, fused
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import ShapeError
from ddtrain.kernels import layer_norm as kernel
from ddtrain.ops.argument_checks import check_vector


def _check(x: Any, scale: Any, shift: Any) -> None:
    if x.ndim == 0:
        raise ShapeError("layer_norm: x has no axis to normalise over")
    check_vector("layer_norm", "scale", scale, x.shape[-1], f"x {x.shape}")
    check_vector("layer_norm", "shift", shift, x.shape[-1], f"x {x.shape}")


def _layer_norm(x: Array, scale: Array, shift: Array, eps: float = 1e-5) -> Array:
    """Each row with its own mean and variance taken out, then scaled and shifted.

    Parameters
    ----------
    x : (..., D), normalised over the last axis
    scale, shift : (D,)
    eps : added to the (biased) variance

    References
    ----------
    Ba, Kiros and Hinton, arXiv:1607.06450.

    >>> layer_norm(np.array([[1.0, 3.0]]), np.ones(2), np.zeros(2), eps=0.0)
    array([[-1.,  1.]])
    """
    _check(x, scale, shift)
    size = max(1, x.shape[-1])
    deviation = x - np.sum(x, axis=-1, keepdims=True) / size
    variance = np.sum(deviation * deviation, axis=-1, keepdims=True) / size
    return deviation / np.sqrt(variance + eps) * scale + shift


def _forward(x: Any, scale: Any, shift: Any, eps: float = 1e-5) -> tuple[Any, Any]:
    _check(x, scale, shift)
    y, mean, inv_std = kernel.forward(x, scale, shift, eps)
    return y, (mean, inv_std)


def _backward(
    needs: tuple[int, ...], g: Any, saved: Any, x: Any, scale: Any, shift: Any, *_: Any, **__: Any
) -> list[Any]:
    mean, inv_std = saved
    cotangents = kernel.backward(g, x, mean, inv_std, scale)
    return [cotangents[i] for i in needs]


layer_norm = fused(
    _layer_norm,
    _forward,
    _backward,
    mixed=3,
    name="layer_norm",
    examples=lambda r: [case(r(4, 3), r(3), r(3)), case(r(2, 2, 3), r(3), r(3), eps=0.1)],
)
