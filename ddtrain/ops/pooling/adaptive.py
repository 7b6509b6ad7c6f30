"""Pooling to a size that is told, whatever the size of the image.

Window i of P along an axis of H entries goes from floor(i * H / P) to ceil((i + 1) * H / P), as in PyTorch: where P
does not divide H, windows differ by one in length and may share an entry.
"""

# N batch, H height, W width, C channels; P, Q: height and width of the output

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as onp
from numpy.typing import NDArray

import ddtrain.numpy as np
from ddtrain.autodiff import Array
from ddtrain.errors import ShapeError
from ddtrain.ops.argument_checks import Pair, check_rank, pair
from ddtrain.ops.pooling.windows import avg_pool2d, max_pool2d


def _size(op: str, x: Any, size: Any) -> tuple[int, int]:
    check_rank(op, "x_NHWC", x, 4, "Images are (N, H, W, C): a grey image needs x[..., None].")
    if 0 in x.shape[1:3]:
        raise ShapeError(f"{op}: images of {x.shape[1]} x {x.shape[2]} have nothing to pool")
    return pair(size, op, "size", 1)


@cache
def edges(entries: int, windows: int) -> tuple[tuple[int, int], ...]:
    """First and last (exclusive) entry of each window.

    >>> edges(5, 3)
    ((0, 2), (1, 4), (3, 5))
    """
    return tuple((i * entries // windows, -(-(i + 1) * entries // windows)) for i in range(windows))


@cache
def _averages(entries: int, windows: int) -> NDArray[onp.float64]:
    """The matrix that takes entries to the mean of each window, (windows, entries)."""
    weights = onp.zeros((windows, entries))
    for row, (start, end) in zip(weights, edges(entries, windows), strict=True):
        row[start:end] = 1 / (end - start)
    weights.flags.writeable = False
    return weights


def adaptive_avg_pool2d(x: Array, size: Pair) -> Array:
    """The average of each of ``size`` windows: (N, H, W, C) to (N, P, Q, C).

    Parameters
    ----------
    size : (P, Q), or one integer for both

    Raises
    ------
    ShapeError : not images, or images without entries

    >>> adaptive_avg_pool2d(np.arange(5.0).reshape(1, 1, 5, 1), (1, 3))[0, 0, :, 0]
    array([0.5, 2. , 3.5])
    """
    p, q = _size("adaptive_avg_pool2d", x, size)
    n, height, width, channels = x.shape
    if height % p == 0 and width % q == 0:
        return avg_pool2d(x, (height // p, width // q))
    dtype = onp.result_type(x.dtype, onp.float16)  # of integers: NumPy's mean is floating, too
    down, across = (_averages(*n).astype(dtype) for n in ((height, p), (width, q)))
    rows = np.matmul(down, np.reshape(x, (n, height, width * channels)))
    return np.matmul(across, np.reshape(rows, (n, p, width, channels)))


def adaptive_max_pool2d(x: Array, size: Pair) -> Array:
    """The largest value of each of ``size`` windows. Arguments as for :func:`adaptive_avg_pool2d`.

    >>> adaptive_max_pool2d(np.arange(5.0).reshape(1, 1, 5, 1), (1, 3))[0, 0, :, 0]
    array([1., 3., 4.])
    """
    p, q = _size("adaptive_max_pool2d", x, size)
    height, width = x.shape[1:3]
    if height % p == 0 and width % q == 0:
        return max_pool2d(x, (height // p, width // q))
    rows = [np.max(x[:, start:end], axis=1) for start, end in edges(height, p)]
    tall = np.stack(rows, axis=1)
    return np.stack([np.max(tall[:, :, start:end], axis=2) for start, end in edges(width, q)], axis=2)
