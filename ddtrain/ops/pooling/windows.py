"""Pooling of channels-last images, as steps of a trace."""

# N batch, H height, W width, C channels

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ddtrain.numpy as np
from ddtrain.autodiff import Array, fused
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import ShapeError
from ddtrain.kernels import pool as kernel
from ddtrain.kernels.conv import Pad, Stride, output_size
from ddtrain.ops.argument_checks import Pair, check_rank, pair

Geometry = tuple[int, int, Stride, Pad]


def _geometry(op: str, x: Any, size: Any, stride: Any, padding: Any) -> Geometry:
    """Window height and width, stride, and the padding on each side, after checking that everything fits."""
    check_rank(op, "x_NHWC", x, 4, "Images are (N, H, W, C): a grey image needs x[..., None].")
    kh, kw = pair(size, op, "size", 1)
    strides = (kh, kw) if stride is None else pair(stride, op, "stride", 1)
    down, across = pair(padding, op, "padding", 0)
    if 2 * down > kh or 2 * across > kw:
        raise ShapeError(f"{op}: padding {padding!r} is more than half of the window, {kh} x {kw}")
    if x.shape[1] + 2 * down < kh or x.shape[2] + 2 * across < kw:
        raise ShapeError(
            f"{op}: a {kh} x {kw} window does not fit images of {x.shape[1]} x {x.shape[2]} with padding {padding!r}",
            remedy="Use a smaller window, or fewer strides before it.",
        )
    return kh, kw, strides, (down, down, across, across)


def _positions(x: Any, value: float, kh: int, kw: int, stride: Stride, pad: Pad) -> Iterator[Any]:
    """For each position within the window, the entries of padded ``x`` found there."""
    (down, across), (top, bottom, left, right) = stride, pad
    p, q = output_size(x.shape[1], x.shape[2], kh, kw, stride, pad)
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=value)
    for r in range(kh):
        for s in range(kw):
            yield padded[:, r : r + (p - 1) * down + 1 : down, s : s + (q - 1) * across + 1 : across]


def _lowest(dtype: Any) -> Any:
    """A value that no entry of this dtype is smaller than: padded with it, a maximum does not change."""
    return -np.inf if dtype.kind in "fc" else np.iinfo(dtype).min if dtype.kind in "iu" else False


def _max_pool2d(x: Array, size: Pair, stride: Pair | None = None, padding: Pair = 0) -> Array:
    """The largest value of each window.

    Parameters
    ----------
    x : (N, H, W, C) images
    size : of the window: an integer, or a pair (down, across)
    stride : by default the size of the window
    padding : places around the image that never win, at most half of the window

    Returns
    -------
    (N, (H + 2 * padding - size) // stride + 1, the same for W, C). Among equals the first place of the window gets
    the derivative. A NaN is larger than anything, as in PyTorch.

    Raises
    ------
    ShapeError : not images, or a window larger than they are

    >>> max_pool2d(np.arange(16.0).reshape(1, 4, 4, 1), 2)[0, :, :, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    best: Any = None
    for here in _positions(x, _lowest(x.dtype), *_geometry("max_pool2d", x, size, stride, padding)):
        best = here if best is None else np.where((here > best) | np.isnan(here), here, best)
    return best


def _max_forward(x: Any, size: Pair, stride: Pair | None = None, padding: Pair = 0) -> tuple[Any, Any]:
    geometry = _geometry("max_pool2d", x, size, stride, padding)
    y, position = kernel.max_forward(x, *geometry)
    return y, (position, geometry)


def _max_backward(needs: tuple[int, ...], g: Any, saved: Any, x: Any, *_: Any, **__: Any) -> list[Any]:
    position, geometry = saved
    return [kernel.max_backward(g, position, x.shape[1], x.shape[2], *geometry)]


def _avg_pool2d(x: Array, size: Pair, stride: Pair | None = None, padding: Pair = 0) -> Array:
    """The average of each window, where padding counts as zeros. Arguments as for :func:`max_pool2d`.

    >>> avg_pool2d(np.arange(16.0).reshape(1, 4, 4, 1), 2)[0, :, :, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """
    kh, kw, strides, pad = _geometry("avg_pool2d", x, size, stride, padding)
    total: Any = 0.0
    for here in _positions(x, 0.0, kh, kw, strides, pad):
        total = total + here
    return total * (1.0 / (kh * kw))


def _avg_forward(x: Any, size: Pair, stride: Pair | None = None, padding: Pair = 0) -> tuple[Any, Any]:
    geometry = _geometry("avg_pool2d", x, size, stride, padding)
    return kernel.average_forward(x, *geometry), geometry


def _avg_backward(needs: tuple[int, ...], g: Any, saved: Geometry, x: Any, *_: Any, **__: Any) -> list[Any]:
    return [kernel.average_backward(g, x.shape[1], x.shape[2], *saved)]


max_pool2d = fused(
    _max_pool2d,
    _max_forward,
    _max_backward,
    mixed=1,
    name="max_pool2d",
    examples=lambda r: [
        case(r.spaced(2, 4, 4, 2), 2),
        case(r.spaced(1, 5, 4, 2), (3, 2), stride=(2, 1), padding=(1, 0)),
        case(r.spaced(1, 5, 5, 1), 2, stride=3),
    ],
)
avg_pool2d = fused(
    _avg_pool2d,
    _avg_forward,
    _avg_backward,
    mixed=1,
    name="avg_pool2d",
    examples=lambda r: [
        case(r(2, 4, 4, 2), 2),
        case(r(1, 5, 4, 2), (3, 2), stride=(2, 1), padding=(1, 0)),
        case(r(1, 5, 5, 1), 2, stride=3),
    ],
)
