"""Long short-term memory over a sequence."""

# N batch, T positions, H hidden units

from __future__ import annotations

from typing import Any

import ddtrain.numpy as np
from ddtrain.autodiff import Array, fused
from ddtrain.autodiff.core.examples import case
from ddtrain.kernels.recurrent import lstm as kernel
from ddtrain.kernels.recurrent.rnn import backward_weight
from ddtrain.ops.activations import sigmoid
from ddtrain.ops.recurrent.shapes import check, stacked


def _lstm(a: Array, h: Array, c: Array, w: Array) -> Array:
    """Long short-term memory at every position (Hochreiter and Schmidhuber 1997, with the forget gate of Gers 2000).

    With z = a_t + h_{t-1} @ w cut into four:

        i, f, o = sigmoid(z_i), sigmoid(z_f), sigmoid(z_o)
        g = tanh(z_g)
        c_t = f * c_{t-1} + i * g
        h_t = o * tanh(c_t)

    Parameters
    ----------
    a : (N, T, 4H), what the inputs bring, in PyTorch's order: i, f, g, o
    h, c : (N, H), hidden state and cell before the first position
    w : (H, 4H)

    Returns
    -------
    (N, T, 2H) : h and c side by side

    Raises
    ------
    ShapeError : the shapes do not fit

    >>> lstm(np.zeros((1, 2, 4)), np.zeros((1, 1)), np.ones((1, 1)), np.zeros((1, 4)))[0, :, 1]
    array([0.5 , 0.25])
    """
    check("lstm", 4, a, w, h=h, c=c)
    states: list[Any] = []
    for t in range(a.shape[1]):
        z_i, z_f, z_g, z_o = np.split(a[:, t] + np.matmul(h, w), 4, axis=-1)
        c = sigmoid(z_f) * c + sigmoid(z_i) * np.tanh(z_g)
        h = sigmoid(z_o) * np.tanh(c)
        states.append(np.concatenate((h, c), axis=-1))
    return stacked(states, a, 2 * w.shape[0])


def _lstm_forward(a: Any, h: Any, c: Any, w: Any) -> tuple[Any, Any]:
    check("lstm", 4, a, w, h=h, c=c)
    y, *saved = kernel.lstm(a, h, c, w)
    return y, (y, *saved)


def _lstm_backward(needs: tuple[int, ...], g: Any, saved: Any, a: Any, h: Any, c: Any, w: Any) -> list[Any]:
    y, gates, squashed = saved
    da, dh, dc = kernel.lstm_backward(g, y, gates, squashed, c, w)
    by_position = (
        lambda: da,
        lambda: dh,
        lambda: dc,
        lambda: backward_weight(h, y[:, :, : h.shape[1]], da),
    )
    return [by_position[i]() for i in needs]


lstm = fused(
    _lstm,
    _lstm_forward,
    _lstm_backward,
    mixed=4,
    name="lstm",
    examples=lambda r: [
        case(r(2, 3, 8), r(2, 2), r(2, 2), r(2, 8)),
        case(r(1, 2, 4), r(1, 1), r(1, 1), r(1, 4)),
    ],
)
