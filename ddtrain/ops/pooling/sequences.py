"""Pooling of channels-last sequences: of images that are one column wide."""

# N batch, T positions, C channels

from __future__ import annotations

from typing import Any

from ddtrain.autodiff import Array
from ddtrain.ops.argument_checks import check_rank, number
from ddtrain.ops.pooling.adaptive import adaptive_avg_pool2d, adaptive_max_pool2d
from ddtrain.ops.pooling.everywhere import global_avg_pool2d, global_max_pool2d
from ddtrain.ops.pooling.windows import avg_pool2d, max_pool2d


def _column(op: str, x: Any) -> Any:
    check_rank(op, "x_NTC", x, 3, "Sequences are (N, T, C): one channel needs x[..., None].")
    return x[:, :, None]


def _windows(op: str, size: Any, stride: Any, padding: Any) -> tuple[Any, Any, Any]:
    size = number(size, op, "size", 1)
    step = size if stride is None else number(stride, op, "stride", 1)
    return (size, 1), (step, 1), (number(padding, op, "padding", 0), 0)


def max_pool1d(x: Array, size: int, stride: int | None = None, padding: int = 0) -> Array:
    """The largest value of each window of sequences (N, T, C); otherwise as :func:`ddtrain.ops.max_pool2d`.

    >>> import numpy as np
    >>> max_pool1d(np.arange(6.0).reshape(1, 6, 1), 2)[0, :, 0]
    array([1., 3., 5.])
    """
    return max_pool2d(_column("max_pool1d", x), *_windows("max_pool1d", size, stride, padding))[:, :, 0]


def avg_pool1d(x: Array, size: int, stride: int | None = None, padding: int = 0) -> Array:
    """The average of each window of sequences (N, T, C), where padding counts as zeros.

    >>> import numpy as np
    >>> avg_pool1d(np.arange(6.0).reshape(1, 6, 1), 2)[0, :, 0]
    array([0.5, 2.5, 4.5])
    """
    return avg_pool2d(_column("avg_pool1d", x), *_windows("avg_pool1d", size, stride, padding))[:, :, 0]


def adaptive_avg_pool1d(x: Array, size: int) -> Array:
    """The average of each of ``size`` windows: (N, T, C) to (N, size, C).

    >>> import numpy as np
    >>> adaptive_avg_pool1d(np.arange(5.0).reshape(1, 5, 1), 3)[0, :, 0]
    array([0.5, 2. , 3.5])
    """
    column = _column("adaptive_avg_pool1d", x)
    return adaptive_avg_pool2d(column, (number(size, "adaptive_avg_pool1d", "size", 1), 1))[:, :, 0]


def adaptive_max_pool1d(x: Array, size: int) -> Array:
    """The largest value of each of ``size`` windows: (N, T, C) to (N, size, C).

    >>> import numpy as np
    >>> adaptive_max_pool1d(np.arange(5.0).reshape(1, 5, 1), 3)[0, :, 0]
    array([1., 3., 4.])
    """
    column = _column("adaptive_max_pool1d", x)
    return adaptive_max_pool2d(column, (number(size, "adaptive_max_pool1d", "size", 1), 1))[:, :, 0]


def global_avg_pool1d(x: Array) -> Array:
    """The average over all positions: (N, T, C) to (N, C).

    >>> import numpy as np
    >>> global_avg_pool1d(np.arange(4.0).reshape(1, 4, 1))
    array([[1.5]])
    """
    return global_avg_pool2d(_column("global_avg_pool1d", x))


def global_max_pool1d(x: Array) -> Array:
    """The largest value over all positions: (N, T, C) to (N, C).

    >>> import numpy as np
    >>> global_max_pool1d(np.arange(4.0).reshape(1, 4, 1))
    array([[3.]])
    """
    return global_max_pool2d(_column("global_max_pool1d", x))
