"""Long short-term memory over a sequence, and its way back through time. Gates in PyTorch's order: i, f, g, o.

What one position needs lies together: gates are kept time first. A sigmoid is ``(1 + tanh(x / 2)) / 2``, so that all
four gates are one tanh of one array.
"""

# N batch, T positions, H hidden units, 2H and 4H: two or four parts side by side

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.seam import accelerated

Array = NDArray[Any]


@accelerated
def lstm(a_NT4H: Array, h_NH: Array, c_NH: Array, w_H4H: Array, out: Array | None = None) -> tuple[Array, Array, Array]:
    """Hidden state and cell side by side at all positions, (N, T, 2H).

    Then, for backward, the gates, (T, N, 4H), and the tanh of the cells, (T, N, H).

    >>> lstm(np.zeros((1, 2, 4)), np.zeros((1, 1)), np.ones((1, 1)), np.zeros((1, 4)))[0][0, :, 1]
    array([0.5 , 0.25])
    """
    n, length, width = a_NT4H.shape
    m = width // 4
    y = np.empty((n, length, 2 * m), a_NT4H.dtype) if out is None else out
    gates, squashed = np.empty((length, n, width), y.dtype), np.empty((length, n, m), y.dtype)
    half = np.full(width, 0.5, y.dtype)
    half[2 * m : 3 * m] = 1  # g is a tanh itself
    h, c = h_NH, c_NH
    for t in range(length):
        z, s = gates[t], squashed[t]
        np.matmul(h, w_H4H, out=z)
        z += a_NT4H[:, t]
        z *= half
        np.tanh(z, out=z)
        z *= half
        z += 1 - half
        c = z[:, m : 2 * m] * c
        c += z[:, :m] * z[:, 2 * m : 3 * m]
        h = z[:, 3 * m :] * np.tanh(c, out=s)
        y[:, t, :m], y[:, t, m:] = h, c
    return y, gates, squashed


@accelerated
def lstm_backward(
    g_NT2H: Array, y_NT2H: Array, gates_TN4H: Array, squashed_TNH: Array, c_NH: Array, w_H4H: Array,
    out: Array | None = None,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """The cotangents of ``a``, (N, T, 4H), and of hidden state and cell before the first position."""
    length, n, width = gates_TN4H.shape
    m = width // 4
    da = np.empty((n, length, width), y_NT2H.dtype) if out is None else out
    slopes = gates_TN4H - gates_TN4H * gates_TN4H
    slopes[..., 2 * m : 3 * m] = 1 - gates_TN4H[..., 2 * m : 3 * m] ** 2
    past_tanh = gates_TN4H[..., 3 * m :] * (1 - squashed_TNH * squashed_TNH)
    dz = np.empty((n, width), y_NT2H.dtype)
    dh, dc = np.zeros((n, m), y_NT2H.dtype), np.zeros((n, m), y_NT2H.dtype)
    for t in reversed(range(length)):
        gates = gates_TN4H[t]
        dh += g_NT2H[:, t, :m]
        dc += g_NT2H[:, t, m:]
        dc += dh * past_tanh[t]
        np.multiply(dc, gates[:, 2 * m : 3 * m], out=dz[:, :m])
        np.multiply(dc, y_NT2H[:, t - 1, m:] if t else c_NH, out=dz[:, m : 2 * m])
        np.multiply(dc, gates[:, :m], out=dz[:, 2 * m : 3 * m])
        np.multiply(dh, squashed_TNH[t], out=dz[:, 3 * m :])
        dz *= slopes[t]
        da[:, t] = dz
        dc *= gates[:, m : 2 * m]
        np.matmul(dz, w_H4H.T, out=dh)
    return da, dh, dc
