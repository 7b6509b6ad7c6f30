"""The affine map, as one step of a trace."""

# D in, K out; x has any leading axes

from __future__ import annotations

from typing import Any

import ddtrain.numpy as np
from ddtrain.autodiff import Array, fused
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import ShapeError
from ddtrain.kernels import linear as kernel


def _check(x: Any, w: Any, b: Any) -> None:
    if w.ndim != 2 or x.ndim == 0:
        raise ShapeError(
            f"linear: x has shape {x.shape} and weight has shape {w.shape}, not (..., D) and (D, K)",
            remedy="Linear weights are (in, out).",
        )
    if x.shape[-1] != w.shape[0]:
        raise ShapeError(
            f"linear: x has {x.shape[-1]} columns but weight has {w.shape[0]} rows (x_ND {x.shape}, w_DK {w.shape})",
            remedy="Was the input flattened?",
        )
    if b is not None and b.shape != w.shape[1:]:
        raise ShapeError(f"linear: bias has shape {b.shape} but weight has {w.shape[1]} columns (w_DK {w.shape})")


def _linear(x: Array, w: Array, b: Array = None) -> Array:
    """``x @ w + b``.

    Parameters
    ----------
    x : (..., D), any leading axes
    w : (D, K)
    b : (K,), or None for no bias

    Returns
    -------
    (..., K)

    Raises
    ------
    ShapeError : the shapes do not fit

    >>> linear(np.ones((2, 3)), np.ones((3, 1)), np.ones(1))
    array([[4.],
           [4.]])
    """
    _check(x, w, b)
    y = np.matmul(x, w)
    return y if b is None else y + b


def _forward(x: Any, w: Any, b: Any = None) -> tuple[Any, Any]:
    _check(x, w, b)
    return kernel.forward(x, w, b), None


def _backward(needs: tuple[int, ...], g: Any, saved: Any, x: Any, w: Any, b: Any = None) -> list[Any]:
    by_position = (
        lambda: kernel.backward_input(g, w),
        lambda: kernel.backward_weight(x, g),
        lambda: kernel.backward_bias(g),
    )
    return [by_position[i]() for i in needs]


linear = fused(
    _linear,
    _forward,
    _backward,
    mixed=3,
    name="linear",
    examples=lambda r: [
        case(r(4, 3), r(3, 2), r(2)),
        case(r(2, 3, 3), r(3, 2), None),
        case(r(3), r(3, 2), r(2)),
        case(r(0, 3), r(3, 2), r(2)),
    ],
)
