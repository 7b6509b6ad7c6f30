"""Positions by vectors and by rotation: known values, continuation from a later start, dtype, and what does not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from torch_numbers import wave

from ddtrain import check_grads, nn
from ddtrain.errors import ShapeError, UsageError

X = wave((2, 5, 6), 0)
LAYERS = {
    "learned": nn.LearnedPositions(8, 6),
    "sinusoidal": nn.SinusoidalPositions(6),
    "rotary": nn.RotaryPositions(6),
}


def test_sines_and_cosines_are_the_papers() -> None:
    found = nn.SinusoidalPositions(6).bind({})(np.zeros((1, 50, 6)))[0]
    for t, i in ((0, 0), (7, 0), (7, 1), (49, 2)):
        angle = t / 10000 ** (2 * i / 6)
        np.testing.assert_allclose(found[t, 2 * i : 2 * i + 2], [np.sin(angle), np.cos(angle)], rtol=1e-12)


def test_rotation_is_multiplication_by_a_complex_number() -> None:
    y = nn.RotaryPositions(6, base=100.0).bind({})(X)
    pairs = X[..., 0::2] + 1j * X[..., 1::2]
    turned = pairs * np.exp(1j * np.arange(5)[:, None] * 100.0 ** (-np.arange(3) / 3))
    np.testing.assert_allclose(y[..., 0::2] + 1j * y[..., 1::2], turned, rtol=1e-12)


def test_learned_vectors_are_added() -> None:
    layer = nn.LearnedPositions(8, 6)
    values = layer.init(0, np.float64)
    np.testing.assert_array_equal(layer.bind(values)(X), X + values["weight"][:5])
    assert values["weight"].std() == pytest.approx(0.02, rel=0.3)


@pytest.mark.parametrize("name", LAYERS)
def test_a_later_start_continues_and_dtypes_stay(name: str) -> None:
    layer = LAYERS[name]
    for dtype in (np.float64, np.float32):
        bound = layer.bind(layer.init(0, dtype))
        x = X.astype(dtype)
        whole = bound(x)
        assert whole.dtype == dtype
        np.testing.assert_array_equal(bound(x[:, 2:], start=2), whole[:, 2:])
        assert bound(x[:0]).shape == (0, 5, 6)
    check_grads(layer.bind(layer.init(0, np.float64)), order=2)(X)


WRONG: dict[str, Callable[[], Any]] = {
    "SinusoidalPositions: d 5 is not even": lambda: nn.SinusoidalPositions(5),
    "RotaryPositions: d 0 is less than 1": lambda: nn.RotaryPositions(0),
    "RotaryPositions: x has shape (2, 5, 6), not (..., T, 4)": lambda: nn.RotaryPositions(4).bind({})(X),
    "LearnedPositions: x (2, 5, 6) from position 0 reaches beyond the 4 that have vectors": lambda: _learned(4)(X),
    "LearnedPositions: x (2, 5, 6) from position 6 reaches beyond the 8": lambda: _learned(8)(X, start=6),
}


def _learned(n: int) -> nn.Module:
    layer = nn.LearnedPositions(n, 6)
    return layer.bind(layer.init(0))


@pytest.mark.parametrize("message", WRONG)
def test_what_does_not_fit_is_one_line(message: str) -> None:
    with pytest.raises((ShapeError, UsageError)) as caught:
        WRONG[message]()
    assert message in caught.value.message
