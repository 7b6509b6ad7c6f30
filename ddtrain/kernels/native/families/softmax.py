"""Softmax and its relatives in C; see ``kernels/softmax.py`` for what they compute."""

# M rows (all leading axes), K classes

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels import softmax as reference
from ddtrain.kernels.native.layouts import contiguous, result
from ddtrain.kernels.native.library import Library
from ddtrain.kernels.native.twins import Examples, twin

Array = NDArray[Any]
INT64 = np.dtype(np.int64)
NO_LABEL = -(2**63)  # is ignored where none is
library = Library(
    "softmax",
    {
        "softmax": "ppnn",
        "softmax_backward": "pppnn",
        "log_softmax": "ppnn",
        "log_softmax_backward": "pppnn",
        "cross_entropy": "ppppppnnnd",
        "cross_entropy_backward": "ppppppnnnd",
    },
)


def _rows(arrays: int) -> Examples:
    """Narrow and wide rows, one of them, none, blocks that are not full, scores that are large, infinite or NaN."""

    def examples(r: Any) -> list[tuple[Any, ...]]:
        shapes: list[tuple[int, ...]] = [
            (0, 5),
            (1, 3),
            (4, 0),
            (13, 10),
            (3, 2, 31),
            (2, 32),
            (3, 33),
            (2, 4001),
            (7,),
        ]
        made = [tuple(r(*shape) for _ in range(arrays)) for shape in shapes]
        for width in (6, 70):
            odd = r(7, width)
            odd[0] = -np.inf
            odd[1, 2], odd[2, 3], odd[3, 4] = np.nan, np.inf, -np.inf
            odd[4] += odd.dtype.type(1e4)
            made.append((odd, *(r(7, width) for _ in range(arrays - 1))))
        return made

    return examples


def _labelled(r: Any) -> list[tuple[Any, ...]]:
    """Plain, then weighted, then with a label that is left out, then all of it and smoothed."""
    scores = [x for (x,) in _rows(1)(r) if x.ndim == 2 and x.shape[1]]
    for x in scores:
        x[np.isnan(x)] = 0  # a NaN makes the reference's whole row NaN at once, and the twin's by its sum
    plain = [(x, np.arange(len(x), dtype=INT64) * 7 % x.shape[1]) for x in scores]
    finite = [(x, labels) for x, labels in plain if np.isfinite(x).all()]
    weights = [np.maximum(r(x.shape[1]), 0) for x, _ in finite]
    return [
        *plain,
        *((x, labels, w) for (x, labels), w in zip(finite, weights)),
        *((x, labels, None, 0) for x, labels in plain),
        *((x, labels - (labels == 3) * 9, w, -6, 0.25) for (x, labels), w in zip(finite, weights)),
    ]


def _labelled_backward(r: Any) -> list[tuple[Any, ...]]:
    return [(r(len(x)), abs(x), 1 + abs(r(len(x))), *rest) for x, *rest in _labelled(r)]


def _of_one(kernel: Any) -> None:
    name = kernel.__name__

    def call(x: Array, axis: int = -1, out: Array | None = None) -> Any:
        function = library.function(name, x.dtype)
        if function is None or x.ndim == 0 or axis not in (-1, x.ndim - 1) or not contiguous(x):
            return NotImplemented
        y = result(x.shape, x.dtype, out)
        classes = x.shape[-1]
        function(x, y, x.size // classes if classes else 0, classes)
        return y

    twin(kernel, library, name, examples=_rows(1), ulps=8)(call)


def _of_two(kernel: Any) -> None:
    name = kernel.__name__

    def call(g: Array, y: Array, axis: int = -1, out: Array | None = None) -> Any:
        function = library.function(name, y.dtype)
        if function is None or y.ndim == 0 or axis not in (-1, y.ndim - 1) or not contiguous(g, y):
            return NotImplemented
        if g.dtype != y.dtype or g.shape != y.shape:
            return NotImplemented
        dx = result(y.shape, y.dtype, out)
        classes = y.shape[-1]
        function(g, y, dx, y.size // classes if classes else 0, classes)
        return dx

    twin(kernel, library, name, examples=_rows(2), ulps=16)(call)


_of_one(reference.softmax)
_of_one(reference.log_softmax)
_of_two(reference.softmax_backward)
_of_two(reference.log_softmax_backward)


@twin(reference.cross_entropy, library, "cross_entropy", examples=_labelled, ulps=16)
def cross_entropy(
    logits_MK: Array,
    labels_M: Array,
    weight_K: Array | None = None,
    ignore_index: int | None = None,
    smoothing: float = 0.0,
) -> Any:
    dtype = logits_MK.dtype
    function = library.function("cross_entropy", dtype)
    if function is None or labels_M.dtype != INT64 or not contiguous(logits_MK, labels_M):
        return NotImplemented
    rows, classes = logits_MK.shape
    if labels_M.shape != (rows,) or not classes or not _fits(weight_K, dtype, classes):
        return NotImplemented
    losses_M, e_MK, sums_M = np.empty(rows, dtype), np.empty((rows, classes), dtype), np.empty(rows, dtype)
    ignored = NO_LABEL if ignore_index is None else ignore_index
    function(logits_MK, labels_M, weight_K, losses_M, e_MK, sums_M, rows, classes, ignored, float(smoothing))
    return losses_M, e_MK, sums_M


@twin(reference.cross_entropy_backward, library, "cross_entropy_backward", examples=_labelled_backward)
def cross_entropy_backward(
    g_M: Array,
    e_MK: Array,
    sums_M: Array,
    labels_M: Array,
    weight_K: Array | None = None,
    ignore_index: int | None = None,
    smoothing: float = 0.0,
    out: Array | None = None,
) -> Any:
    dtype = e_MK.dtype
    function = library.function("cross_entropy_backward", dtype)
    if function is None or labels_M.dtype != INT64 or not contiguous(g_M, e_MK, sums_M, labels_M):
        return NotImplemented
    rows, classes = e_MK.shape
    if not g_M.dtype == sums_M.dtype == dtype or not g_M.shape == sums_M.shape == labels_M.shape == (rows,):
        return NotImplemented
    if not _fits(weight_K, dtype, classes):
        return NotImplemented
    dx_MK = result(e_MK.shape, dtype, out)
    ignored = NO_LABEL if ignore_index is None else ignore_index
    function(g_M, e_MK, sums_M, labels_M, weight_K, dx_MK, rows, classes, ignored, float(smoothing))
    return dx_MK


def _fits(weight_K: Array | None, dtype: np.dtype[Any], classes: int) -> bool:
    return weight_K is None or (weight_K.dtype == dtype and weight_K.shape == (classes,) and contiguous(weight_K))
