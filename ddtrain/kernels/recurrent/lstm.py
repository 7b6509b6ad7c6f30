"""Long short-term memory over a sequence, and its way back through time. Gates in PyTorch's order: i, f, g, o."""

# N batch, T positions, H hidden units, 2H and 4H: two or four parts side by side

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.activation import sigmoid

Array = NDArray[Any]


def lstm(a_NT4H: Array, h_NH: Array, c_NH: Array, w_H4H: Array, out: Array | None = None) -> tuple[Array, Array]:
    """Hidden state and cell side by side at all positions, (N, T, 2H); then the gates, (N, T, 4H), for backward.

    >>> lstm(np.zeros((1, 2, 4)), np.zeros((1, 1)), np.ones((1, 1)), np.zeros((1, 4)))[0][0, :, 1]
    array([0.5 , 0.25])
    """
    n, length, width = a_NT4H.shape
    m = width // 4
    y = np.empty((n, length, 2 * m), a_NT4H.dtype) if out is None else out
    gates = np.empty((n, length, width), a_NT4H.dtype)
    h, c = h_NH, c_NH
    for t in range(length):
        z = np.matmul(h, w_H4H)
        z += a_NT4H[:, t]
        sigmoid(z[:, : 2 * m], out=gates[:, t, : 2 * m])
        np.tanh(z[:, 2 * m : 3 * m], out=gates[:, t, 2 * m : 3 * m])
        sigmoid(z[:, 3 * m :], out=gates[:, t, 3 * m :])
        i, f, g, o = (gates[:, t, k * m : (k + 1) * m] for k in range(4))
        c = f * c + i * g
        h = o * np.tanh(c)
        y[:, t, :m], y[:, t, m:] = h, c
    return y, gates


def lstm_backward(
    g_NT2H: Array, y_NT2H: Array, gates_NT4H: Array, c_NH: Array, w_H4H: Array, out: Array | None = None
) -> tuple[Array, Array, Array]:
    """The cotangents of ``a``, (N, T, 4H), and of hidden state and cell before the first position."""
    n, length, width = gates_NT4H.shape
    m = width // 4
    da = np.empty((n, length, width), y_NT2H.dtype) if out is None else out
    dh, dc = np.zeros((n, m), y_NT2H.dtype), np.zeros((n, m), y_NT2H.dtype)
    for t in reversed(range(length)):
        i, f, g, o = (gates_NT4H[:, t, k * m : (k + 1) * m] for k in range(4))
        before = y_NT2H[:, t - 1, m:] if t else c_NH
        squashed = np.tanh(y_NT2H[:, t, m:])
        dh = dh + g_NT2H[:, t, :m]
        dc = dc + g_NT2H[:, t, m:] + dh * o * (1 - squashed * squashed)
        da[:, t, :m] = dc * g * i * (1 - i)
        da[:, t, m : 2 * m] = dc * before * f * (1 - f)
        da[:, t, 2 * m : 3 * m] = dc * i * (1 - g * g)
        da[:, t, 3 * m :] = dh * squashed * o * (1 - o)
        dc = dc * f
        dh = np.matmul(da[:, t], w_H4H.T)
    return da, dh, dc
