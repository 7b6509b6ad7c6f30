"""The gated recurrent unit over a sequence."""

# N batch, T positions, H hidden units

from __future__ import annotations

from typing import Any

import ddtrain.numpy as np
from ddtrain.autodiff import Array, fused
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import ShapeError
from ddtrain.kernels.channel_sums import channel_sums
from ddtrain.kernels.recurrent import gru as kernel
from ddtrain.kernels.recurrent.rnn import backward_weight
from ddtrain.ops.activations import sigmoid
from ddtrain.ops.recurrent.shapes import check, stacked


def _gru(a: Array, h: Array, w: Array, b: Array = None) -> Array:
    """The gated recurrent unit at every position (Cho et al., arXiv:1406.1078; gates as in PyTorch).

    With q = h_{t-1} @ w + b, and a and q each cut into three:

        r = sigmoid(a_r + q_r)
        z = sigmoid(a_z + q_z)
        n = tanh(a_n + r * q_n)
        h_t = (1 - z) * n + z * h_{t-1}

    Parameters
    ----------
    a : (N, T, 3H), what the inputs bring
    h : (N, H), the state before the first position
    w : (H, 3H)
    b : (3H,), or None for no bias

    Returns
    -------
    (N, T, H)

    Raises
    ------
    ShapeError : the shapes do not fit

    >>> gru(np.zeros((1, 2, 3)), np.ones((1, 1)), np.zeros((1, 3)))[0, :, 0]
    array([0.5 , 0.25])
    """
    _check_gru(a, h, w, b)
    states: list[Any] = []
    for t in range(a.shape[1]):
        q = np.matmul(h, w) if b is None else np.matmul(h, w) + b
        (a_r, a_z, a_n), (q_r, q_z, q_n) = np.split(a[:, t], 3, axis=-1), np.split(q, 3, axis=-1)
        r, z = sigmoid(a_r + q_r), sigmoid(a_z + q_z)
        new = np.tanh(a_n + r * q_n)
        h = new + z * (h - new)
        states.append(h)
    return stacked(states, a, w.shape[0])


def _check_gru(a: Any, h: Any, w: Any, b: Any) -> None:
    check("gru", 3, a, w, h=h)
    if b is not None and b.shape != w.shape[1:]:
        raise ShapeError(f"gru: b has shape {b.shape} but w has {w.shape[1]} columns (w {w.shape})")


def _gru_forward(a: Any, h: Any, w: Any, b: Any = None) -> tuple[Any, Any]:
    _check_gru(a, h, w, b)
    y, saved = kernel.gru(a, h, w, b)
    return y, (y, saved)


def _gru_backward(needs: tuple[int, ...], g: Any, saved: Any, a: Any, h: Any, w: Any, b: Any = None) -> list[Any]:
    y, gates = saved
    da, dq, dh = kernel.gru_backward(g, y, gates, h, w)
    by_position = (
        lambda: da,
        lambda: dh,
        lambda: backward_weight(h, y, dq),
        lambda: channel_sums(dq),
    )
    return [by_position[i]() for i in needs]


gru = fused(
    _gru,
    _gru_forward,
    _gru_backward,
    mixed=4,
    name="gru",
    examples=lambda r: [case(r(2, 3, 6), r(2, 2), r(2, 6), r(6)), case(r(1, 2, 3), r(1, 1), r(1, 3), None)],
)
