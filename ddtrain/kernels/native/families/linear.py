"""The affine map in C over BLAS; see ``kernels/linear.py`` for what it computes.

Products of one row or one column are left to NumPy, which has other functions for those.
"""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import NDArray

from ddtrain.kernels import linear
from ddtrain.kernels.native.blas import gemm
from ddtrain.kernels.native.layouts import contiguous, result, rows_apart
from ddtrain.kernels.native.library import Library
from ddtrain.kernels.native.twins import twin

Array = NDArray[Any]
library = Library(
    "linear",
    {"linear_forward": "nnppppnnnn", "linear_backward_input": "nnpppnnn", "linear_backward_weight": "nnpppnnnn"},
)


@twin(
    linear.forward,
    library,
    "linear_forward",
    examples=lambda r: [
        (r(5, 3), r(3, 4), r(4)),
        (r(2, 3, 7), r(7, 33), None),
        (r(64, 70), r(70, 50), r(50)),
        (r(0, 3), r(3, 2), r(2)),
        (r(4, 5, 9)[..., 2:8], r(6, 3), r(3)),
    ],
)
def forward(x: Array, w_DK: Array, b_K: Array | None = None, out: Array | None = None) -> Any:
    d, k = w_DK.shape
    call, blas = library.function("linear_forward", w_DK.dtype), gemm(w_DK.dtype.char)
    if call is None or blas is None or not _fits(w_DK, w_DK if b_K is None else b_K) or x.dtype != w_DK.dtype:
        return NotImplemented
    apart = rows_apart(x)
    rows = math.prod(x.shape[:-1])
    if not apart or rows == 1 or d < 2 or k < 2:
        return NotImplemented
    y = result((*x.shape[:-1], k), w_DK.dtype, out)
    call(*blas, x, w_DK, b_K, y, rows, d, k, apart)
    return y


@twin(
    linear.backward_input,
    library,
    "linear_backward_input",
    examples=lambda r: [(r(5, 4), r(3, 4)), (r(2, 3, 33), r(7, 33)), (r(0, 2), r(3, 2))],
)
def backward_input(g: Array, w_DK: Array, out: Array | None = None) -> Any:
    d, k = w_DK.shape
    call, blas = library.function("linear_backward_input", w_DK.dtype), gemm(w_DK.dtype.char)
    if call is None or blas is None or not _fits(g, w_DK):
        return NotImplemented
    rows = math.prod(g.shape[:-1])
    if rows == 1 or d < 2 or k < 2:
        return NotImplemented
    dx = result((*g.shape[:-1], d), w_DK.dtype, out)
    call(*blas, g, w_DK, dx, rows, d, k)
    return dx


@twin(
    linear.backward_weight,
    library,
    "linear_backward_weight",
    examples=lambda r: [
        (r(5, 3), r(5, 4)),
        (r(2, 3, 7), r(2, 3, 33)),
        (r(64, 70), r(64, 10)),
        (r(0, 3), r(0, 2)),
        (r(4, 5, 9)[..., 2:8], r(4, 5, 3)),
    ],
)
def backward_weight(x: Array, g: Array, out: Array | None = None) -> Any:
    d, k = x.shape[-1], g.shape[-1]
    call, blas = library.function("linear_backward_weight", g.dtype), gemm(g.dtype.char)
    # x.T @ x is a product of its own in NumPy, whose result is symmetric to the last bit
    if call is None or blas is None or not _fits(g, g) or x.dtype != g.dtype or x is g:
        return NotImplemented
    apart = rows_apart(x)
    rows = math.prod(x.shape[:-1])
    if not apart or rows == 1 or d < 2 or k < 2:
        return NotImplemented
    dw = result((d, k), g.dtype, out)
    call(*blas, x, g, dw, rows, d, k, apart)
    return dw


def _fits(x: Array, other: Array) -> bool:
    return x.dtype == other.dtype and contiguous(x, other)
