"""The recurrence ``h_t = f(a_t + h_{t-1} @ w)``, f being tanh or ReLU, and its way back through time."""

# N batch, T positions, H hidden units

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.seam import accelerated

Array = NDArray[Any]


@accelerated
def rnn(a_NTH: Array, h_NH: Array, w_HH: Array, relu: bool, out: Array | None = None) -> Array:
    """The hidden state at all positions, (N, T, H), from what inputs bring and the state before the first.

    >>> rnn(np.ones((1, 3, 1)), np.zeros((1, 1)), np.ones((1, 1)), relu=True)[0, :, 0]
    array([1., 2., 3.])
    """
    y = np.empty(a_NTH.shape, a_NTH.dtype) if out is None else out
    h = h_NH
    for t in range(a_NTH.shape[1]):
        z = np.matmul(h, w_HH)
        z += a_NTH[:, t]
        h = np.maximum(z, 0, out=z) if relu else np.tanh(z, out=z)
        y[:, t] = h
    return y


@accelerated
def rnn_backward(g_NTH: Array, y_NTH: Array, w_HH: Array, relu: bool, out: Array | None = None) -> tuple[Array, Array]:
    """The cotangents of ``a``, (N, T, H), and of the state before the first position."""
    da = np.empty(y_NTH.shape, y_NTH.dtype) if out is None else out
    slope = (y_NTH != 0) if relu else 1 - y_NTH * y_NTH
    dh = np.zeros((len(y_NTH), w_HH.shape[0]), y_NTH.dtype)
    for t in reversed(range(y_NTH.shape[1])):
        dz = (g_NTH[:, t] + dh) * slope[:, t]
        da[:, t] = dz
        dh = np.matmul(dz, w_HH.T)
    return da, dh


@accelerated
def backward_weight(h_NH: Array, y_NTH: Array, dq_NTG: Array, out: Array | None = None) -> Array:
    """The cotangent of the weight of the hidden state, (H, G), from that of ``h_{t-1} @ w``, (N, T, G)."""
    n, length, hidden = y_NTH.shape
    before = np.concatenate((h_NH[:, None], y_NTH), axis=1)[:, :length]
    return np.matmul(before.reshape(n * length, hidden).T, dq_NTG.reshape(n * length, dq_NTG.shape[-1]), out=out)
