"""Scaled dot-product attention, as one step of a trace: of queries to keys, and of a sequence to itself by heads."""

# N samples, A heads, T queries, S keys, D entries of a query, E entries of a value

from __future__ import annotations

import math
from typing import Any

import numpy as onp

import ddtrain.numpy as np
from ddtrain.autodiff import Array, fused
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import ShapeError
from ddtrain.kernels import attention as kernel
from ddtrain.ops.softmax import softmax


def _check(q: Any, k: Any, v: Any, causal: bool, mask: Any) -> None:
    fits = q.ndim == k.ndim == v.ndim >= 2 and q.shape[:-2] == k.shape[:-2] == v.shape[:-2]
    if not fits or q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise ShapeError(
            f"attention: q {q.shape}, k {k.shape} and v {v.shape} are not (..., T, D), (..., S, D) and (..., S, E)",
            remedy="Split heads into an axis before the positions: (N, heads, T, D).",
        )
    if causal and q.shape[-2] > k.shape[-2]:
        raise ShapeError(f"attention: {q.shape[-2]} queries but {k.shape[-2]} keys: the first queries see no key")
    if mask is None:
        return
    scores = (*q.shape[:-1], k.shape[-2])
    if mask.dtype != bool:
        raise ShapeError(
            f"attention: mask has dtype {mask.dtype}, not bool", remedy="It is true where a query may see a key."
        )
    if not _broadcasts(mask.shape, scores):
        raise ShapeError(f"attention: mask has shape {mask.shape} but scores have shape {scores}")


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    return len(shape) <= len(to) and all(n in (1, m) for n, m in zip(reversed(shape), reversed(to)))


def _attention(q: Array, k: Array, v: Array, causal: bool = True, mask: Array = None) -> Array:
    """``softmax(q @ k.T / sqrt(D)) @ v``: for each query, values averaged by how well their keys match.

    Parameters
    ----------
    q, k, v : (..., T, D), (..., S, D), (..., S, E) with the same leading axes, e.g. (N, heads)
    causal : query i sees the keys up to its own position, counted from the end: the last query sees all keys
    mask : booleans that broadcast against (..., T, S), true where a query may see a key; a query that may see none gets
        zeros

    Returns
    -------
    (..., T, E)

    Raises
    ------
    ShapeError : shapes that do not fit, or a causal query that sees no key

    References
    ----------
    Vaswani et al., arXiv:1706.03762, eq. 1.

    >>> same = np.zeros((2, 1))
    >>> attention(same, same, np.array([[1.0], [3.0]]))
    array([[1.],
           [2.]])
    """
    _check(q, k, v, causal, mask)
    scores = np.matmul(q, np.swapaxes(k, -1, -2)) * (1.0 / math.sqrt(max(1, q.shape[-1])))
    if not causal and mask is None:
        return np.matmul(softmax(scores), v)
    if causal:
        scores = np.where(kernel.future(*scores.shape[-2:]), -np.inf, scores)
    if mask is not None:
        scores = np.where(mask, scores, kernel.lowest(scores.dtype))
    return np.matmul(np.where(kernel.hidden(scores.shape, causal, mask), 0.0, softmax(scores)), v)


def _forward(q: Any, k: Any, v: Any, causal: bool = True, mask: Any = None) -> tuple[Any, Any]:
    _check(q, k, v, causal, mask)
    y, log_sum = kernel.forward(q, k, v, causal, mask)
    return y, (y, log_sum)


def _backward(
    needs: tuple[int, ...], g: Any, saved: Any, q: Any, k: Any, v: Any, causal: bool = True, mask: Any = None
) -> list[Any]:
    y, log_sum = saved
    found = kernel.backward(g, y, log_sum, q, k, v, causal, mask)
    return [found[i] for i in needs]


def _some(*shape: int) -> Any:
    """A mask of an example; one of its rows is all false."""
    mask = onp.arange(math.prod(shape)).reshape(shape) % 3 > 0
    mask[(0,) * (len(shape) - 1)] = False
    return mask


attention = fused(
    _attention,
    _forward,
    _backward,
    mixed=3,
    name="attention",
    examples=lambda r: [
        case(r(2, 2, 3, 2), r(2, 2, 3, 2), r(2, 2, 3, 2)),
        case(r(2, 3), r(4, 3), r(4, 2), causal=False),
        case(r(2, 3), r(4, 3), r(4, 2)),
        case(r(2, 1, 3, 2), r(2, 1, 4, 2), r(2, 1, 4, 2), False, _some(2, 1, 1, 4)),
        case(r(2, 3, 2), r(2, 3, 2), r(2, 3, 2), True, _some(2, 3, 3)),
    ],
)


def _self_attention(qkv: Array, heads: int, causal: bool = True) -> Array:
    """:func:`attention` of a sequence to itself in ``heads`` subspaces, of queries, keys and values side by side.

    Heads are read and written where they lie, and so is the cotangent: nothing is taken apart or put together.

    Parameters
    ----------
    qkv : (N, T, 3 * A * D): for each position the queries of all heads, then the keys, then the values
    heads : A
    causal : a position sees itself and those before it

    Returns
    -------
    (N, T, A * D), the heads side by side

    Raises
    ------
    ShapeError : qkv does not divide so

    >>> qkv = np.concatenate((np.zeros((1, 2, 4)), np.array([[[1.0, 2.0], [3.0, 6.0]]])), axis=-1)
    >>> self_attention(qkv, heads=2)
    array([[[1., 2.],
            [2., 4.]]])
    """
    q, k, v = np.transpose(np.reshape(qkv, _apart(qkv, heads)), (2, 0, 3, 1, 4))
    mixed_NATD = attention(q, k, v, causal)
    return np.reshape(np.transpose(mixed_NATD, (0, 2, 1, 3)), (*qkv.shape[:2], qkv.shape[2] // 3))


def _apart(qkv: Any, heads: int) -> tuple[int, ...]:
    """(N, T, 3, A, D)."""
    if qkv.ndim != 3 or heads < 1 or qkv.shape[2] % (3 * heads):
        raise ShapeError(f"self_attention: qkv {qkv.shape} is not (N, T, 3 * A * D) for {heads} heads")
    return (*qkv.shape[:2], 3, heads, qkv.shape[2] // (3 * heads))


def _self_forward(qkv: Any, heads: int, causal: bool = True) -> tuple[Any, Any]:
    n, t, _, _, d = shape = _apart(qkv, heads)
    y_NTAD = onp.empty((n, t, heads, d), qkv.dtype)
    q, k, v = qkv.reshape(shape).transpose(2, 0, 3, 1, 4)
    y, log_sum = kernel.forward(q, k, v, causal, out=y_NTAD.transpose(0, 2, 1, 3))
    return y_NTAD.reshape(n, t, heads * d), (y, log_sum)


def _self_backward(needs: tuple[int, ...], g: Any, saved: Any, qkv: Any, heads: int, causal: bool = True) -> list[Any]:
    n, t, _, _, d = shape = _apart(qkv, heads)
    q, k, v = qkv.reshape(shape).transpose(2, 0, 3, 1, 4)
    dqkv = onp.empty(shape, qkv.dtype)
    y, log_sum = saved
    g_NATD = g.reshape(n, t, heads, d).transpose(0, 2, 1, 3)
    kernel.backward(g_NATD, y, log_sum, q, k, v, causal, out=tuple(dqkv.transpose(2, 0, 3, 1, 4)))
    return [dqkv.reshape(qkv.shape)]


self_attention = fused(
    _self_attention,
    _self_forward,
    _self_backward,
    mixed=1,
    name="self_attention",
    examples=lambda r: [case(r(2, 3, 12), 2), case(r(1, 4, 6), 1, causal=False)],
)
