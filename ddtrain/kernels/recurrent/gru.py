"""The gated recurrent unit over a sequence, and its way back through time. Gates in PyTorch's order: r, z, n."""

# N batch, T positions, H hidden units, 3H and 4H: three or four parts side by side

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.activation import sigmoid
from ddtrain.kernels.seam import accelerated

Array = NDArray[Any]


@accelerated
def gru(a_NT3H: Array, h_NH: Array, w_H3H: Array, b_3H: Array | None, out: Array | None = None) -> tuple[Array, Array]:
    """The hidden state at all positions, (N, T, H); then r, z, n and the state's part of n, (N, T, 4H), for backward.

    >>> gru(np.zeros((1, 2, 3)), np.ones((1, 1)), np.zeros((1, 3)), None)[0][0, :, 0]
    array([0.5 , 0.25])
    """
    n, length, width = a_NT3H.shape
    m = width // 3
    y = np.empty((n, length, m), a_NT3H.dtype) if out is None else out
    saved = np.empty((n, length, 4 * m), a_NT3H.dtype)
    h = h_NH
    for t in range(length):
        q = np.matmul(h, w_H3H)
        if b_3H is not None:
            q += b_3H
        gates = sigmoid(a_NT3H[:, t, : 2 * m] + q[:, : 2 * m])
        r, z, from_state = gates[:, :m], gates[:, m:], q[:, 2 * m :]
        new = np.tanh(a_NT3H[:, t, 2 * m :] + r * from_state)
        h = new + z * (h - new)
        y[:, t] = h
        saved[:, t, : 2 * m], saved[:, t, 2 * m : 3 * m], saved[:, t, 3 * m :] = gates, new, from_state
    return y, saved


@accelerated
def gru_backward(
    g_NTH: Array, y_NTH: Array, saved_NT4H: Array, h_NH: Array, w_H3H: Array, out: Array | None = None
) -> tuple[Array, Array, Array]:
    """The cotangents of ``a``, of the state's products ``h @ w + b``, both (N, T, 3H), and of the first state."""
    n, length, m = y_NTH.shape
    da = np.empty((n, length, 3 * m), y_NTH.dtype) if out is None else out
    dq = np.empty((n, length, 3 * m), y_NTH.dtype)
    dh = np.zeros((n, m), y_NTH.dtype)
    for t in reversed(range(length)):
        r, z, new, from_state = (saved_NT4H[:, t, k * m : (k + 1) * m] for k in range(4))
        dh = dh + g_NTH[:, t]
        before = y_NTH[:, t - 1] if t else h_NH
        dnew = dh * (1 - z) * (1 - new * new)
        da[:, t, :m] = dnew * from_state * r * (1 - r)
        da[:, t, m : 2 * m] = dh * (before - new) * z * (1 - z)
        da[:, t, 2 * m :] = dnew
        dq[:, t, : 2 * m], dq[:, t, 2 * m :] = da[:, t, : 2 * m], dnew * r
        dh = dh * z + np.matmul(dq[:, t], w_H3H.T)
    return da, dq, dh
