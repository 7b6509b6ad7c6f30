"""Pictures of samples and of what a model makes of them, as arrays of pixels side by side."""

# N samples, H height, W width, C colours (1 or 3), K classes

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain import colors
from ddtrain.errors import UsageError

Array = NDArray[Any]
_SIDE, _GAP = 96, 8  # pixels: a picture is enlarged to about this side; the space between pictures
_BAR, _MARK = 48, 8  # pixels: the longest bar, and the mark below one
_COLOR = tuple(bytes.fromhex(colors.OTHER.lstrip("#")))  # red, green, blue


def as_pictures(x: Any) -> Array:
    """Samples as pictures (N, H, W, C).

    Raises
    ------
    UsageError : they are none

    >>> as_pictures(np.eye(4)).shape
    (4, 2, 2, 1)
    """
    x = np.asarray(x)
    side = math.isqrt(x.shape[1]) if x.ndim == 2 else 0
    if side and side**2 == x.shape[1]:
        x = x.reshape(-1, side, side)
    x = x[..., None] if x.ndim == 3 else x
    if x.ndim != 4 or x.shape[-1] not in (1, 3) or x.dtype.kind not in "fiub":
        raise UsageError(
            f"--log.to pictures: samples of shape {x.shape[1:]} are no pictures",
            remedy="It shows (H, W), (H, W, 1), (H, W, 3) and rows of a square number of pixels. Leave it out.",
        )
    return np.asarray(x, np.float64)


def with_bars(pictures: Array, shares_NK: Array, labels: Sequence[int]) -> Array:
    """Each picture above a bar a class, with a mark below that of its own class.

    >>> with_bars(np.zeros((2, 8, 8, 1)), np.array([[0.9, 0.1], [0.3, 0.7]]), [0, 0]).shape
    (169, 208, 3)
    """
    large = _enlarged(pictures)
    return _grid(list(large), [_bars(s, label, x.shape[1]) for x, s, label in zip(large, shares_NK, labels)])


def with_others(pictures: Array, others: Array) -> Array:
    """Each picture above another one, on the same scale of brightness.

    >>> with_others(np.zeros((2, 8, 8, 1)), np.ones((2, 8, 8, 1))).shape
    (208, 208, 3)
    """
    whole = _enlarged(np.concatenate([pictures, others]), like=pictures)
    return _grid(list(whole[: len(pictures)]), list(whole[len(pictures) :]))


def _enlarged(pictures: Array, like: Array | None = None) -> Array:
    """As red, green and blue from 0 to 255, each pixel a square of so many that pictures have about ``_SIDE``."""
    finite = np.nan_to_num(pictures if like is None else like)
    low, high = float(finite.min()), float(finite.max())
    times = max(1, round(_SIDE / max(pictures.shape[1:3])))
    colored = np.broadcast_to((pictures - low) * (255 / ((high - low) or 1.0)), (*pictures.shape[:3], 3))
    return np.asarray(colored.repeat(times, axis=1).repeat(times, axis=2))


def _bars(shares: Array, label: int, width: int) -> Array:
    image = np.full((_BAR + 1 + _MARK, width, 3), 255.0)
    edges = np.linspace(0, width, len(shares) + 1).astype(int)
    for k, share in enumerate(np.nan_to_num(shares)):
        bar = slice(edges[k], max(edges[k + 1] - 1, edges[k] + 1))
        image[_BAR - round(_BAR * float(share)) : _BAR + 1, bar] = _COLOR
        if k == label:
            image[_BAR + 1 + _MARK // 2 :, bar] = _COLOR
    return image


def _grid(*rows: Sequence[Array]) -> Array:
    """Rows of pictures on white."""
    frame = ((_GAP // 2, _GAP // 2), (_GAP // 2, _GAP // 2), (0, 0))
    return np.concatenate(
        [np.concatenate([np.pad(x, frame, constant_values=255) for x in row], axis=1) for row in rows]
    )
