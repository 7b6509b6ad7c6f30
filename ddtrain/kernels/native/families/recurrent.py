"""Recurrent networks in C, a whole sequence a call; see ``kernels/recurrent`` for what they compute."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.native.blas import gemm
from ddtrain.kernels.native.layouts import contiguous, result
from ddtrain.kernels.native.library import Library
from ddtrain.kernels.native.twins import twin
from ddtrain.kernels.recurrent import gru as gru_kernel
from ddtrain.kernels.recurrent import lstm as lstm_kernel
from ddtrain.kernels.recurrent import rnn as rnn_kernel
from ddtrain.kernels.workspace import scratch

Array = NDArray[Any]
ROWS = 48  # as in recurrent.c
library = Library(
    "recurrent",
    {
        "lstm": "pppppppnnnnnnp",
        "lstm_backward": "pppppppppnnnnp",
        "gru": "ppppppnnnnnp",
        "gru_backward": "ppppppppnnnnp",
        "rnn": "ppppnnnnnnp",
        "rnn_backward": "pppppnnnnp",
        "backward_weight": "nnppnppnnnnp",
    },
)
_SIZES = ((2, 3, 4), (1, 2, 1), (0, 3, 2), (50, 2, 19), (5, 4, 33), (3, 0, 2))  # samples, positions, hidden units


def _room(gates: int, samples: int, m: int, dtype: Any) -> Array:
    """Work space: the weight in panels, twice, and one position's products and state."""
    wide = -(-m // 32) * 32  # two of the widest vectors
    weights = wide * (gates * m + 32)
    return scratch("recurrent", (2 * weights + ROWS * gates * wide + samples * wide,), dtype)


def _fits(m: int, dtype: Any, *arrays: Array | None) -> bool:
    for array in arrays:
        if array is not None and (array.dtype != dtype or not contiguous(array)):
            return False
    return m > 0


def _apart(array: Array, dtype: Any) -> int:
    """Entries from one sample to the next, where what a sample has lies together; -1 where it does not.

    A piece of a sequence, and a state in the result of the piece before, are views that have this.
    """
    strides, size = array.strides, array.itemsize
    if type(array) is not np.ndarray or array.dtype != dtype:
        return -1
    if array.flags.c_contiguous:
        return array.size // max(1, len(array))
    inner = array.shape[-1] * size
    together = strides[-1] == size and (array.ndim == 2 or strides[1] == inner) and strides[0] >= 0
    return strides[0] // size if together else -1


@twin(
    lstm_kernel.lstm,
    library,
    "lstm",
    examples=lambda r: [(r(n, t, 4 * m), r(n, m), r(n, m), r(m, 4 * m) / (1 + m) ** 0.5) for n, t, m in _SIZES],
    ulps=32,  # products of 33 terms, over 4 positions
)
def lstm(a_NT4H: Array, h_NH: Array, c_NH: Array, w_H4H: Array, out: Array | None = None) -> Any:
    (n, t, _), m, dtype = a_NT4H.shape, w_H4H.shape[0], a_NT4H.dtype
    call = library.function("lstm", dtype)
    rows = _apart(a_NT4H, dtype), _apart(h_NH, dtype), _apart(c_NH, dtype)
    if call is None or min(rows) < 0 or not _fits(m, dtype, w_H4H):
        return NotImplemented
    y, gates, squashed = result((n, t, 2 * m), dtype, out), np.empty((t, n, 4 * m), dtype), np.empty((t, n, m), dtype)
    call(a_NT4H, h_NH, c_NH, w_H4H, y, gates, squashed, n, t, m, *rows, _room(4, n, m, dtype))
    return y, gates, squashed


@twin(
    lstm_kernel.lstm_backward,
    library,
    "lstm_backward",
    examples=lambda r: [
        (r(n, t, 2 * m), r(n, t, 2 * m), np.tanh(r(t, n, 4 * m)), np.tanh(r(t, n, m)), r(n, m), r(m, 4 * m) / (1 + m))
        for n, t, m in _SIZES
    ],
    ulps=64,  # products of 4 * 33 terms, over 4 positions
)
def lstm_backward(
    g_NT2H: Array, y_NT2H: Array, gates_TN4H: Array, squashed_TNH: Array, c_NH: Array, w_H4H: Array,
    out: Array | None = None,
) -> Any:  # fmt: skip
    (t, n, _), m, dtype = gates_TN4H.shape, w_H4H.shape[0], y_NT2H.dtype
    call = library.function("lstm_backward", dtype)
    row = _apart(c_NH, dtype)
    if call is None or row < 0 or not _fits(m, dtype, g_NT2H, y_NT2H, gates_TN4H, squashed_TNH, w_H4H):
        return NotImplemented
    da, dh, dc = result((n, t, 4 * m), dtype, out), np.empty((n, m), dtype), np.empty((n, m), dtype)
    call(g_NT2H, y_NT2H, gates_TN4H, squashed_TNH, c_NH, w_H4H, da, dh, dc, n, t, m, row, _room(4, n, m, dtype))
    return da, dh, dc


@twin(
    gru_kernel.gru,
    library,
    "gru",
    examples=lambda r: [
        (r(n, t, 3 * m), r(n, m), r(m, 3 * m) / (1 + m) ** 0.5, r(3 * m) if n % 2 else None) for n, t, m in _SIZES
    ],
    ulps=32,
)
def gru(a_NT3H: Array, h_NH: Array, w_H3H: Array, b_3H: Array | None, out: Array | None = None) -> Any:
    (n, t, _), m, dtype = a_NT3H.shape, w_H3H.shape[0], a_NT3H.dtype
    call = library.function("gru", dtype)
    rows = _apart(a_NT3H, dtype), _apart(h_NH, dtype)
    if call is None or min(rows) < 0 or not _fits(m, dtype, w_H3H, b_3H):
        return NotImplemented
    y, saved = result((n, t, m), dtype, out), np.empty((n, t, 4 * m), dtype)
    call(a_NT3H, h_NH, w_H3H, b_3H, y, saved, n, t, m, *rows, _room(3, n, m, dtype))
    return y, saved


@twin(
    gru_kernel.gru_backward,
    library,
    "gru_backward",
    examples=lambda r: [
        (r(n, t, m), r(n, t, m), np.tanh(r(n, t, 4 * m)), r(n, m), r(m, 3 * m) / (1 + m)) for n, t, m in _SIZES
    ],
    ulps=64,
)
def gru_backward(
    g_NTH: Array, y_NTH: Array, saved_NT4H: Array, h_NH: Array, w_H3H: Array, out: Array | None = None
) -> Any:
    (n, t, m), dtype = y_NTH.shape, y_NTH.dtype
    call = library.function("gru_backward", dtype)
    row = _apart(h_NH, dtype)
    if call is None or row < 0 or not _fits(m, dtype, g_NTH, y_NTH, saved_NT4H, w_H3H):
        return NotImplemented
    da, dq, dh = result((n, t, 3 * m), dtype, out), np.empty((n, t, 3 * m), dtype), np.empty((n, m), dtype)
    call(g_NTH, y_NTH, saved_NT4H, h_NH, w_H3H, da, dq, dh, n, t, m, row, _room(3, n, m, dtype))
    return da, dq, dh


@twin(
    rnn_kernel.rnn,
    library,
    "rnn",
    examples=lambda r: [
        (r(n, t, m), r(n, m), r(m, m) / (1 + m) ** 0.5, relu) for n, t, m in _SIZES for relu in (False, True)
    ],
    ulps=32,
)
def rnn(a_NTH: Array, h_NH: Array, w_HH: Array, relu: bool, out: Array | None = None) -> Any:
    (n, t, m), dtype = a_NTH.shape, a_NTH.dtype
    call = library.function("rnn", dtype)
    rows = _apart(a_NTH, dtype), _apart(h_NH, dtype)
    if call is None or min(rows) < 0 or not _fits(m, dtype, w_HH):
        return NotImplemented
    y = result((n, t, m), dtype, out)
    call(a_NTH, h_NH, w_HH, y, n, t, m, int(relu), *rows, _room(1, n, m, dtype))
    return y


@twin(
    rnn_kernel.rnn_backward,
    library,
    "rnn_backward",
    examples=lambda r: [
        (r(n, t, m), np.maximum(np.tanh(r(n, t, m)), -2 + 2 * relu), r(m, m) / (1 + m) ** 0.5, relu)
        for n, t, m in _SIZES
        for relu in (False, True)
    ],
    ulps=64,
)
def rnn_backward(g_NTH: Array, y_NTH: Array, w_HH: Array, relu: bool, out: Array | None = None) -> Any:
    (n, t, m), dtype = y_NTH.shape, y_NTH.dtype
    call = library.function("rnn_backward", dtype)
    if call is None or not _fits(m, dtype, g_NTH, y_NTH, w_HH):
        return NotImplemented
    da, dh = result((n, t, m), dtype, out), np.empty((n, m), dtype)
    call(g_NTH, y_NTH, w_HH, da, dh, n, t, m, int(relu), _room(1, n, m, dtype))
    return da, dh


@twin(
    rnn_kernel.backward_weight,
    library,
    "backward_weight",
    examples=lambda r: [(r(n, m), r(n, t, 2 * m)[:, :, :m], r(n, t, 3 * m)) for n, t, m in _SIZES if m > 1],
    ulps=32,  # sums over 100 positions
)
def backward_weight(h_NH: Array, y_NTH: Array, dq_NTG: Array, out: Array | None = None) -> Any:
    (n, t, m), width, dtype = y_NTH.shape, dq_NTG.shape[2], y_NTH.dtype
    call, blas = library.function("backward_weight", dtype), gemm(dtype.char)
    if call is None or blas is None or not _fits(m, dtype, h_NH, dq_NTG) or type(y_NTH) is not np.ndarray:
        return NotImplemented
    of_sample, row, of_unit = (stride // y_NTH.itemsize for stride in y_NTH.strides)
    if n * t == 1 or m < 2 or width < 2 or (y_NTH.size and (of_unit != 1 or of_sample != t * row)):
        return NotImplemented
    dw = result((m, width), dtype, out)
    call(*blas, h_NH, y_NTH, row, dq_NTG, dw, n, t, m, width, scratch("recurrent", (n * t * m,), dtype))
    return dw
