"""What tells attention where a token stands: vectors added to it, learned or of sines, or a rotation of its pairs."""

# N samples, T positions, D width (even: pairs of entries have one frequency)
from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as onp
from numpy.typing import NDArray

import ddtrain.numpy as np
from ddtrain.autodiff import Array
from ddtrain.errors import ShapeError, UsageError
from ddtrain.nn import init
from ddtrain.nn.argument_checks import sizes
from ddtrain.nn.declarations import param
from ddtrain.nn.module import Module

_SMALL = init.normal(0.02)  # GPT-2's


class LearnedPositions(Module):
    """Adds a trained vector for each position to (N, T, D). weight (positions, D).

    Raises
    ------
    ShapeError : when called: more positions than there are vectors

    >>> layer = LearnedPositions(2, 1).bind({"weight": np.array([[10.0], [20.0]])})
    >>> layer(np.zeros((1, 2, 1)))[0, :, 0]
    array([10., 20.])
    """

    def __init__(self, positions: int, d: int, weight_init: init.Init = _SMALL) -> None:
        self.weight = param(sizes("LearnedPositions", positions=positions, d=d), weight_init)

    def forward(self, x_NTD: Array, start: int = 0) -> Array:
        _check("LearnedPositions", x_NTD, self.weight.shape[1])
        most = self.weight.shape[0]
        if start + x_NTD.shape[-2] > most:
            raise ShapeError(
                f"LearnedPositions: x {x_NTD.shape} from position {start} reaches beyond the {most} that have vectors",
                remedy="Make the layer with as many positions as the longest sequence.",
            )
        return x_NTD + self.weight[start : start + x_NTD.shape[-2]]


class SinusoidalPositions(Module):
    """Adds ``sin(t / base^(2i/D))`` to entry 2i of position t of (N, T, D), and its cosine to entry 2i + 1.

    References
    ----------
    Vaswani et al., arXiv:1706.03762, section 3.5.

    >>> SinusoidalPositions(2).bind({})(np.zeros((1, 2, 2))).round(4)
    array([[[0.    , 1.    ],
            [0.8415, 0.5403]]])
    """

    def __init__(self, d: int, base: float = 10000.0) -> None:
        self.d, self.base = _even("SinusoidalPositions", d), base

    def forward(self, x_NTD: Array, start: int = 0) -> Array:
        _check("SinusoidalPositions", x_NTD, self.d)
        sine, cosine = _waves(start, x_NTD.shape[-2], self.d, self.base)
        return x_NTD + onp.stack((sine, cosine), -1).reshape(-1, self.d).astype(x_NTD.dtype)


class RotaryPositions(Module):
    """Rotates each pair of neighbouring entries, (2i, 2i + 1), of position t by the angle ``t / base^(2i/D)``.

    For queries and keys (..., T, D) of each head: their products then depend on the distance of two positions alone.

    References
    ----------
    Su et al., arXiv:2104.09864, eq. 34. Its pairs are neighbours; Llama's checkpoints have entries i and i + D/2.

    >>> rotate = RotaryPositions(2).bind({})
    >>> rotate(np.array([[1.0, 0.0], [1.0, 0.0]])).round(4)
    array([[1.    , 0.    ],
           [0.5403, 0.8415]])
    """

    def __init__(self, d: int, base: float = 10000.0) -> None:
        self.d, self.base = _even("RotaryPositions", d), base

    def forward(self, x_TD: Array, start: int = 0) -> Array:
        _check("RotaryPositions", x_TD, self.d)
        sine, cosine = (w.astype(x_TD.dtype) for w in _waves(start, x_TD.shape[-2], self.d, self.base))
        even, odd = x_TD[..., 0::2], x_TD[..., 1::2]
        turned = np.stack((even * cosine - odd * sine, even * sine + odd * cosine), axis=-1)
        return np.reshape(turned, x_TD.shape)


def _even(layer: str, d: int) -> int:
    (d,) = sizes(layer, d=d)
    if d % 2:
        raise UsageError(f"{layer}: d {d} is not even", remedy="Each frequency takes a pair of entries.")
    return d


def _check(layer: str, x: Any, d: int) -> None:
    if x.ndim < 2 or x.shape[-1] != d:
        raise ShapeError(f"{layer}: x has shape {x.shape}, not (..., T, {d})")


@lru_cache(maxsize=64)  # a text that grows asks from a new start each time
def _waves(start: int, positions: int, d: int, base: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """Sines and cosines, (T, D/2) each, of the angles."""
    angles = onp.arange(start, start + positions)[:, None] * base ** (-onp.arange(0, d, 2) / d)
    waves = onp.sin(angles), onp.cos(angles)
    for wave in waves:
        wave.flags.writeable = False
    return waves
