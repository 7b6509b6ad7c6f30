"""Twins of kernels that treat each entry by itself: given C functions of one form, they differ by name alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.native.layouts import contiguous, result
from ddtrain.kernels.native.library import Library
from ddtrain.kernels.native.twins import Examples, twin

Array = NDArray[Any]
EDGES = (-np.inf, -100.0, -15.0, -4.0, -3.0, -0.5, -1e-30, -0.0, 0.0, 0.5, 3.0, 4.0, 15.0, 100.0, np.inf, np.nan)


def of_one(kernel: Any, library: Library, *options: float, ulps: float) -> None:
    """Give ``kernel(x, *options, out=None)`` its twin: ``NAME(x, y, n, *options)`` in C.

    Parameters
    ----------
    options : those of the examples
    """
    name = kernel.reference.__name__

    def call(x: Array, *numbers: float, out: Array | None = None, **named: float) -> Any:
        function = library.function(name, x.dtype)
        if function is None or named or not contiguous(x):
            return NotImplemented
        y = result(x.shape, x.dtype, out)
        function(x, y, x.size, *numbers)
        return y

    twin(kernel, library, name, examples=_examples(1, options), ulps=ulps)(call)


def of_two(kernel: Any, library: Library, *options: float, ulps: float, name: str = "") -> None:
    """The same for ``kernel(g, x, *options, out=None)``: ``NAME(g, x, dx, n, *options)`` in C."""
    name = name or kernel.reference.__name__

    def call(g: Array, x: Array, *numbers: float, out: Array | None = None, **named: float) -> Any:
        function = library.function(name, x.dtype)
        if function is None or named or g.dtype != x.dtype or g.shape != x.shape or not contiguous(g, x):
            return NotImplemented
        dx = result(x.shape, x.dtype, out)
        function(g, x, dx, x.size, *numbers)
        return dx

    twin(kernel, library, name, examples=_examples(2, options), ulps=ulps)(call)


def _examples(arrays: int, options: tuple[float, ...]) -> Examples:
    """No entry, one, a tail that fills no vector, some thousands, and the values where formulas break."""

    def examples(r: Any) -> list[tuple[Any, ...]]:
        shapes: list[tuple[int, ...]] = [(0,), (), (5, 7), (3, 1101)]
        made = [(*(r(*shape) for _ in range(arrays)), *options) for shape in shapes]
        return [*made, (*(r(len(EDGES)) for _ in range(arrays - 1)), np.array(EDGES, r(0).dtype), *options)]

    return examples
