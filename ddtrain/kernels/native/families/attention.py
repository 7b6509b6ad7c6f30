"""Attention in C, a block of queries at a time; see ``kernels/attention.py`` for what it computes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels import attention
from ddtrain.kernels.native.layouts import contiguous
from ddtrain.kernels.native.library import Library
from ddtrain.kernels.native.twins import twin
from ddtrain.kernels.workspace import scratch

Array = NDArray[Any]
Mask = NDArray[np.bool_]
BLOCK, KEYS = 64, 128  # as in attention.c
library = Library("attention", {"forward": "pppppppp", "backward": "pppppppppppp"})


def _room(t: int, s: int, d: int, e: int) -> int:
    """Entries of work space, of which a call forward needs less than one backward."""
    wide_s, wide_d, wide_e = (-(-n // 32) * 32 for n in (s, d, e))  # two of the widest vectors
    panels, block = (wide_d + wide_e) * wide_s, BLOCK * (max(wide_s, 2 * KEYS) + 3 * wide_d + 5 * wide_e)
    return panels + block + 2 * s * (wide_d + wide_e)


def _places(array: Array | None, axes: int, size: int) -> list[int] | None:
    """Entries from one sample, head, row (and entry, where there are four axes) to the next; None if it has no such."""
    if array is None:
        return [0] * axes
    strides = [0] * (4 - array.ndim) + [stride // size for stride in array.strides]
    return strides[:axes] if axes == 4 or array.strides[-1] == size or not array.size else None


def _layout(causal: bool, mask: Mask | None, q: Array, k: Array, v: Array, *others: Array) -> Array | None:
    """What attention.c calls a layout, where it takes these arrays."""
    dtype, size = q.dtype, q.dtype.itemsize
    t, d, (s, e) = q.shape[-2], q.shape[-1], v.shape[-2:]
    if q.ndim > 4 or not (t and s and d and e) or (causal and t > s):
        return None
    sizes = [*(1, 1, *q.shape[:-2])[q.ndim - 2 :], t, s, d, e, int(causal)]
    for array in (q, k, v, *others):
        if type(array) is not np.ndarray or array.dtype != dtype or (places := _places(array, 3, size)) is None:
            return None
        sizes += places
    if len(others) == 1:
        sizes += [0] * 12  # forward has no cotangents
    spread = None if mask is None else np.broadcast_to(mask, (*q.shape[:-1], s))
    return np.array([*sizes, *_places(spread, 4, 1)], np.int64)  # type: ignore[misc]


def _examples(r: Any) -> list[tuple[Any, ...]]:
    some = np.arange(20 * 37).reshape(20, 37) % 3 > 0
    some[1] = False
    packed = r(2, 64, 3, 2, 32).transpose(2, 0, 3, 1, 4)
    return [
        *((r(2, 3, 5, 4), r(2, 3, 7, 4), r(2, 3, 7, 6), causal) for causal in (False, True)),
        (r(1, 1), r(1, 1), r(1, 1), True),
        (*packed, True),
        (r(0, 3, 5, 4), r(0, 3, 5, 4), r(0, 3, 5, 4), True),
        *((r(2, 20, 16), r(2, 37, 16), r(2, 37, 8), causal, some) for causal in (False, True)),
        *((r(200, 32), r(300, 32), r(300, 33), causal) for causal in (False, True)),
        (r(2, 2, 70, 8), r(2, 2, 130, 8), r(2, 2, 130, 8), False, np.arange(260).reshape(2, 1, 1, 130) % 7 > 0),
    ]


def _examples_backward(r: Any) -> list[tuple[Any, ...]]:
    made = []
    for arguments in _examples(r):
        with np.errstate(all="ignore"):
            y, log_sum = attention.forward.reference(*arguments)  # type: ignore[attr-defined]
        made.append((r(*y.shape), y, log_sum, *arguments))
    return made


@twin(attention.forward, library, "forward", examples=_examples, ulps=32)  # sums of up to 300 terms, in another order
def forward(
    q_TD: Array, k_SD: Array, v_SE: Array, causal: bool, mask: Mask | None = None, out: Array | None = None
) -> Any:
    call = library.function("forward", q_TD.dtype)
    if call is None:
        return NotImplemented
    e = v_SE.shape[-1]
    y = np.empty_like(q_TD, shape=(*q_TD.shape[:-1], e)) if out is None else out  # its axes lie as those of q
    layout = _layout(causal, mask, q_TD, k_SD, v_SE, y)
    if layout is None:
        return NotImplemented
    log_sum = np.empty(q_TD.shape[:-1], q_TD.dtype)
    room = scratch("attention", (_room(*q_TD.shape[-2:], *v_SE.shape[-2:]),), q_TD.dtype)
    call(q_TD, k_SD, v_SE, mask, y, log_sum, layout, room)
    return y, log_sum


@twin(attention.backward, library, "backward", examples=_examples_backward, ulps=64)  # sums of sums
def backward(
    g_TE: Array, y_TE: Array, log_sum_T: Array, q_TD: Array, k_SD: Array, v_SE: Array, causal: bool,
    mask: Mask | None = None, out: tuple[Array, Array, Array] | None = None,
) -> Any:  # fmt: skip
    call = library.function("backward", q_TD.dtype)
    if call is None or log_sum_T.dtype != q_TD.dtype or not contiguous(log_sum_T):
        return NotImplemented
    found = (np.empty_like(q_TD), np.empty_like(k_SD), np.empty_like(v_SE)) if out is None else out
    layout = _layout(causal, mask, q_TD, k_SD, v_SE, y_TE, g_TE, *found)
    if layout is None:
        return NotImplemented
    room = scratch("attention", (_room(*q_TD.shape[-2:], *v_SE.shape[-2:]),), q_TD.dtype)
    call(g_TE, y_TE, log_sum_T, q_TD, k_SD, v_SE, mask, *found, layout, room)
    return found
