"""PyTorch's numbers without PyTorch: arrays that are the same here and there, and two numbers for each array found.

A tensor of a dozen or a thousand entries is compared by two sums of its entries, weighted by sines that no two entries
share: what is exchanged, scaled or left out changes them. The table of a test was computed once with the same code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ddtrain.autodiff import vjp


def wave(shape: Sequence[int], k: int) -> np.ndarray:
    """The k-th array: sines of numbers that are no multiples of pi, so that no two entries are equal."""
    n = int(np.prod(shape))
    return np.sin(1.7 * np.arange(n) + 0.3 * k + 0.1 * np.arange(n) ** 1.5).reshape(shape)


def digest(a: Any) -> list[float]:
    """Two weighted sums over the entries in C order."""
    flat = np.asarray(a, np.float64).ravel()
    at = np.arange(flat.size)
    return [float(flat @ np.sin(1.0 + 0.7 * at)), float(flat @ np.cos(0.5 + 1.3 * at))]


def digests(fun: Callable[..., Any], *xs: Any) -> list[list[float]]:
    """Of the value of ``fun``, and of the gradients of ``sum(value * wave(shape, 9))`` by each argument."""
    y, pull = vjp(fun, *xs)
    return [digest(y), *(digest(g) for g in pull(wave(y.shape, 9).astype(y.dtype)))]


def assert_pytorchs(found: list[list[float]], expected: Sequence[Sequence[float]], rtol: float = 1e-10) -> None:
    """Equal to rounding, relative to the larger of the two sums and to 1."""
    assert len(found) == len(expected)
    for k, (a, b) in enumerate(zip(found, expected, strict=True)):
        np.testing.assert_allclose(a, b, rtol=0, atol=rtol * max(1, *map(abs, b)), err_msg=f"array {k}")
