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


def hidden(shape: tuple[int, ...], causal: bool, mask: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    """True where a query may not see a key, to broadcast against scores of that shape; None where each sees all.

    >>> hidden((2, 2), True, np.array([False, True]))
    array([[ True,  True],
           [ True, False]])
    """
    t, s = shape[-2:]
    if mask is None:
        return future(t, s) if causal else None
    return ~mask | future(t, s) if causal else ~mask


def _scores(q_TD: Array, k_SD: Array, causal: bool, mask: NDArray[np.bool_] | None) -> Array:
    """Of what a query may not see, so low that their exponentials are 0."""
    scores_TS: Array = np.matmul(q_TD, k_SD.swapaxes(-1, -2))
    scores_TS *= 1.0 / math.sqrt(max(1, q_TD.shape[-1]))
    if causal:
        np.copyto(scores_TS, -np.inf, where=future(*scores_TS.shape[-2:]))
    if mask is not None:
        np.copyto(scores_TS, lowest(scores_TS.dtype), where=~mask)
    return scores_TS


@accelerated
def forward(
    q_TD: Array, k_SD: Array, v_SE: Array, causal: bool, mask: NDArray[np.bool_] | None = None, out: Array | None = None
) -> tuple[Array, Array]:
    """``softmax(q @ k.T / sqrt(D)) @ v``, and of each query the logarithm of the sum of its scores' exponentials.

    Backward needs that logarithm, (..., T); of a query that sees nothing it is 0.
    """
    scores_TS = _scores(q_TD, k_SD, causal, mask)
    unseen = hidden(scores_TS.shape, causal, mask)
    top_T1 = np.maximum.reduce(scores_TS, axis=-1, keepdims=True, initial=-np.inf)
    p_TS = np.exp(np.subtract(scores_TS, top_T1, out=scores_TS), out=scores_TS)
    if unseen is not None:
        np.copyto(p_TS, 0, where=unseen)
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

    With p the softmax and ``dp = g @ v.T``, the cotangent of the scores is ``p * (dp - sum(p * dp))``. That sum is also
    ``sum(g * y)``, which is what the compiled twin takes y for.
    """
    p_TS = _scores(q_TD, k_SD, causal, mask)
    unseen = hidden(p_TS.shape, causal, mask)
    p_TS -= log_sum_T[..., None]
    np.exp(p_TS, out=p_TS)
    ds_TS = np.matmul(g_TE, v_SE.swapaxes(-1, -2))
    if unseen is not None:
        np.copyto(ds_TS, 0, where=unseen)
        np.copyto(p_TS, 0, where=unseen)
    ds_TS -= np.add.reduce(ds_TS * p_TS, axis=-1, keepdims=True)
    ds_TS *= p_TS
    ds_TS *= 1.0 / math.sqrt(max(1, q_TD.shape[-1]))
    if unseen is not None:  # what a query does not see gets no NaN from it, nor gives it one
        np.copyto(ds_TS, 0, where=unseen)
    dq, dk, dv = (None, None, None) if out is None else out
    return (
        np.matmul(ds_TS, k_SD, out=dq),
        np.matmul(ds_TS.swapaxes(-1, -2), q_TD, out=dk),
        np.matmul(p_TS.swapaxes(-1, -2), g_TE, out=dv),
    )
