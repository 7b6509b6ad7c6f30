"""Scaled dot-product attention over any leading axes (batch, heads), optionally causal."""

# T queries, S keys, D entries of a query, E entries of a value

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.softmax import softmax, softmax_backward

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


def forward(q_TD: Array, k_SD: Array, v_SE: Array, causal: bool, out: Array | None = None) -> tuple[Array, Array]:
    """``softmax(q @ k.T / sqrt(D)) @ v`` and the softmax, (..., T, S), which backward needs."""
    scores_TS = np.matmul(q_TD, k_SD.swapaxes(-1, -2))
    scores_TS *= 1.0 / math.sqrt(max(1, q_TD.shape[-1]))
    if causal:
        np.copyto(scores_TS, -np.inf, where=future(*scores_TS.shape[-2:]))
    p_TS = softmax(scores_TS, out=scores_TS)
    return np.matmul(p_TS, v_SE, out=out), p_TS


def backward_value(g_TE: Array, p_TS: Array, out: Array | None = None) -> Array:
    """The cotangent of v: ``p.T @ g``."""
    return np.matmul(p_TS.swapaxes(-1, -2), g_TE, out=out)


def backward_scores(g_TE: Array, p_TS: Array, v_SE: Array, d: int, causal: bool) -> Array:
    """The cotangent of ``q @ k.T``, (..., T, S), for queries of D entries."""
    ds_TS = softmax_backward(np.matmul(g_TE, v_SE.swapaxes(-1, -2)), p_TS)
    ds_TS *= 1.0 / math.sqrt(max(1, d))
    if causal and np.isnan(np.add.reduce(ds_TS, axis=None)):  # keys that the mask hides must not pass on a NaN
        np.copyto(ds_TS, 0, where=future(*ds_TS.shape[-2:]))
    return ds_TS


def backward_query(ds_TS: Array, k_SD: Array, out: Array | None = None) -> Array:
    """The cotangent of q: ``ds @ k``."""
    return np.matmul(ds_TS, k_SD, out=out)


def backward_key(ds_TS: Array, q_TD: Array, out: Array | None = None) -> Array:
    """The cotangent of k: ``ds.T @ q``."""
    return np.matmul(ds_TS.swapaxes(-1, -2), q_TD, out=out)
