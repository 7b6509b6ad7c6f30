"""Dropout in C, and its random numbers; see ``kernels/dropout.py`` for what they compute."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels import dropout
from ddtrain.kernels.native.elementwise import of_two
from ddtrain.kernels.native.layouts import contiguous, result
from ddtrain.kernels.native.library import Library
from ddtrain.kernels.native.twins import twin

Array = NDArray[Any]
FLOAT32 = np.dtype(np.float32)
library = Library("dropout", {"uniform": "ppnn", "dropout_forward": "ppppnd", "dropout_backward": "pppn"})
of_two(dropout.backward, library, ulps=0, name="dropout_backward")


def _uniform(r: Any) -> list[tuple[Any, ...]]:
    words = np.array([1, 2**63 + 5, 40, 0, 7, 0], np.uint64)
    last = np.array([3, 4, 2**64 - 3, 2**64 - 1, 2**64 - 1, 9], np.uint64)  # the counter runs over
    cases = ((words, 3, 37), (words, 1, 8), (words, 2, 1), (words, 0, 5), (words, 4, 0), (last, 5, 16))
    return [(*case, r(0).dtype) for case in cases]


def _forward(r: Any) -> list[tuple[Any, ...]]:
    numbers = np.random.default_rng(1).random(4001, np.float32)
    cases = [(r(*shape), numbers[: int(np.prod(shape))].reshape(shape)) for shape in ((0,), (), (5, 7), (4001,))]
    return [(*case, rate) for case in cases for rate in (0.0, 0.3, 1.0)]


@twin(dropout.uniform, library, "uniform", examples=_uniform, ulps=0)
def uniform(words_6: Array, rows: int, features: int, dtype: np.dtype[Any], out: Array | None = None) -> Any:
    function = library.function("uniform", dtype)
    if function is None:
        return NotImplemented
    y = result((rows, features), dtype, out)
    function(words_6, y, rows, features)
    return y


@twin(dropout.forward, library, "dropout_forward", examples=_forward, ulps=0)
def forward(x: Array, numbers: Array, rate: float) -> Any:
    function = library.function("dropout_forward", x.dtype)
    if function is None or numbers.dtype != FLOAT32 or numbers.shape != x.shape or not contiguous(x, numbers):
        return NotImplemented
    y, kept = np.empty(x.shape, x.dtype), np.empty(x.shape, x.dtype)
    function(x, numbers, y, kept, x.size, rate)
    return y, kept
