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
library = Library(
    "softmax",
    {
        "softmax": "ppnn",
        "softmax_backward": "pppnn",
        "log_softmax": "ppnn",
        "log_softmax_backward": "pppnn",
        "cross_entropy": "pppppnn",
        "cross_entropy_backward": "pppppnn",
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
    scores = [x for (x,) in _rows(1)(r) if x.ndim == 2 and x.shape[1]]
    for x in scores:
        x[np.isnan(x)] = 0  # a NaN makes the reference's whole row NaN at once, and the twin's by its sum
    return [(x, np.arange(len(x), dtype=INT64) * 7 % x.shape[1]) for x in scores]


def _labelled_backward(r: Any) -> list[tuple[Any, ...]]:
    return [(r(len(x)), abs(x), 1 + abs(r(len(x))), labels) for x, labels in _labelled(r)]


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


@twin(reference.cross_entropy, library, "cross_entropy", examples=_labelled)
def cross_entropy(logits_MK: Array, labels_M: Array) -> Any:
    function = library.function("cross_entropy", logits_MK.dtype)
    if function is None or labels_M.dtype != INT64 or not contiguous(logits_MK, labels_M):
        return NotImplemented
    rows, classes = logits_MK.shape
    if labels_M.shape != (rows,) or not classes:
        return NotImplemented
    losses_M, e_MK, sums_M = (np.empty(shape, logits_MK.dtype) for shape in (rows, (rows, classes), rows))
    function(logits_MK, labels_M, losses_M, e_MK, sums_M, rows, classes)
    return losses_M, e_MK, sums_M


@twin(reference.cross_entropy_backward, library, "cross_entropy_backward", examples=_labelled_backward)
def cross_entropy_backward(g_M: Array, e_MK: Array, sums_M: Array, labels_M: Array, out: Array | None = None) -> Any:
    function = library.function("cross_entropy_backward", e_MK.dtype)
    if function is None or labels_M.dtype != INT64 or not contiguous(g_M, e_MK, sums_M, labels_M):
        return NotImplemented
    rows, classes = e_MK.shape
    if not g_M.dtype == sums_M.dtype == e_MK.dtype or not g_M.shape == sums_M.shape == labels_M.shape == (rows,):
        return NotImplemented
    dx_MK = result(e_MK.shape, e_MK.dtype, out)
    function(g_M, e_MK, sums_M, labels_M, dx_MK, rows, classes)
    return dx_MK
