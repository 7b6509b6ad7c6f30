"""Scaled dot-product attention over any leading axes (batch, heads), optionally causal and masked.

A mask is true where a query may see a key, and broadcasts against (..., T, S). A query that it leaves nothing to see
gets zeros, and so do the keys from it.
"""

# T queries, S keys, D entries of a query, E entries of a value

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.seam import accelerated

Array = NDArray[Any]


@cache
def future(t: int, s: int) -> NDArray[np.bool_]:
    """True where key j lies after query i; the last query sees every key.

    >>> future(2, 3)
    array([[False, False,  True],
           [False, False, False]])
    """
    mask = np.arange(s) > np.arange(t)[:, None] + (s - t)
    mask.flags.writeable = False
    return mask


def lowest(dtype: np.dtype[Any]) -> float:
    """The score of what a mask hides: finite, so that a row of nothing else has a softmax."""
    return float(np.finfo(dtype).min)


def _hidden(scores_TS: Array, causal: bool, mask: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    """True, in a shape that broadcasts, where a query may not see a key; None where each sees all."""
    t, s = scores_TS.shape[-2:]
    if mask is None:
        return future(t, s) if causal else None
    return ~mask | future(t, s) if causal else ~mask


def _scores(q_TD: Array, k_SD: Array) -> Array:
    scores_TS: Array = np.matmul(q_TD, k_SD.swapaxes(-1, -2))
    scores_TS *= 1.0 / math.sqrt(max(1, q_TD.shape[-1]))
    return scores_TS


@accelerated
def forward(
    q_TD: Array, k_SD: Array, v_SE: Array, causal: bool, mask: NDArray[np.bool_] | None = None, out: Array | None = None
) -> tuple[Array, Array]:
    """``softmax(q @ k.T / sqrt(D)) @ v``, and of each query the logarithm of the sum of its scores' exponentials.

    Backward needs that logarithm, (..., T); of a query that sees nothing it is 0.
    """
    scores_TS = _scores(q_TD, k_SD)
    hidden = _hidden(scores_TS, causal, mask)
    if hidden is not None:
        np.copyto(scores_TS, lowest(scores_TS.dtype), where=hidden)
    top_T1 = np.maximum.reduce(scores_TS, axis=-1, keepdims=True, initial=-np.inf)
    p_TS = np.exp(np.subtract(scores_TS, top_T1, out=scores_TS), out=scores_TS)
    if hidden is not None:
        np.copyto(p_TS, 0, where=hidden)
    sum_T1 = np.add.reduce(p_TS, axis=-1, keepdims=True)
    nothing = sum_T1 == 0
    np.copyto(sum_T1, 1, where=nothing)
    np.copyto(top_T1, 0, where=nothing)
    p_TS /= sum_T1
    return np.matmul(p_TS, v_SE, out=out), (top_T1 + np.log(sum_T1))[..., 0]


@accelerated
def backward(
    g_TE: Array, y_TE: Array, log_sum_T: Array, q_TD: Array, k_SD: Array, v_SE: Array, causal: bool,
    mask: NDArray[np.bool_] | None = None, out: tuple[Array, Array, Array] | None = None,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """The cotangents of q, k and v, given that of y; the softmax is computed again, from ``log_sum``.

    With p the softmax, that of the scores is ``p * (g @ v.T - sum(g * y))``: the sum over keys of ``p * (g @ v.T)`` is
    ``g @ y``.
    """
    p_TS = _scores(q_TD, k_SD)
    hidden = _hidden(p_TS, causal, mask)
    if hidden is not None:
        np.copyto(p_TS, lowest(p_TS.dtype), where=hidden)
    p_TS -= log_sum_T[..., None]
    np.exp(p_TS, out=p_TS)
    ds_TS = np.matmul(g_TE, v_SE.swapaxes(-1, -2))
    ds_TS -= np.add.reduce(g_TE * y_TE, axis=-1, keepdims=True)
    ds_TS *= p_TS
    ds_TS *= 1.0 / math.sqrt(max(1, q_TD.shape[-1]))
    if hidden is not None:  # what a query does not see gets no NaN from it, nor gives it one
        np.copyto(p_TS, 0, where=hidden)
        np.copyto(ds_TS, 0, where=hidden)
    dq, dk, dv = (None, None, None) if out is None else out
    return (
        np.matmul(ds_TS, k_SD, out=dq),
        np.matmul(ds_TS.swapaxes(-1, -2), q_TD, out=dk),
        np.matmul(p_TS.swapaxes(-1, -2), g_TE, out=dv),
    )
