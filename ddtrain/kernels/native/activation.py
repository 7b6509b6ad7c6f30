"""Activations in C; see ``kernels/activation.py`` for what they compute."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels import activation
from ddtrain.kernels.native.layouts import contiguous, result
from ddtrain.kernels.native.library import Library
from ddtrain.kernels.native.twins import twin

Array = NDArray[Any]
library = Library("activation", {"relu": "ppn", "relu_backward": "pppn"})


@twin(activation.relu, library, "relu", examples=lambda r: [(r(0),), (r(5, 7),), (r(),), (r(3, 100) * np.inf,)], ulps=0)
def relu(x: Array, out: Array | None = None) -> Any:
    call = library.function("relu", x.dtype)
    if call is None or not contiguous(x):
        return NotImplemented
    y = result(x.shape, x.dtype, out)
    call(x, y, x.size)
    return y


@twin(
    activation.relu_backward,
    library,
    "relu_backward",
    examples=lambda r: [(r(5, 7), np.maximum(r(5, 7), 0)), (r(33), r(33))],
    ulps=0,
)
def relu_backward(g: Array, y: Array, out: Array | None = None) -> Any:
    call = library.function("relu_backward", y.dtype)
    if call is None or g.dtype != y.dtype or g.shape != y.shape or not contiguous(g, y):
        return NotImplemented
    dx = result(y.shape, y.dtype, out)
    call(g, y, dx, y.size)
    return dx
