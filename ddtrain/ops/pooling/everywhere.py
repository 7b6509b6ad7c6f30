"""Pooling over all positions at once."""

from __future__ import annotations

import ddtrain.numpy as np
from ddtrain.autodiff import Array
from ddtrain.ops.argument_checks import check_rank
from ddtrain.ops.pooling.windows import avg_pool2d, max_pool2d


def global_avg_pool2d(x: Array) -> Array:
    """The average of each image and channel: (N, H, W, C) to (N, C).

    >>> global_avg_pool2d(np.arange(4.0).reshape(1, 2, 2, 1))
    array([[1.5]])
    """
    check_rank("global_avg_pool2d", "x_NHWC", x, 4, "Images are (N, H, W, C): a grey image needs x[..., None].")
    return np.reshape(avg_pool2d(x, (x.shape[1], x.shape[2])), (x.shape[0], x.shape[3]))


def global_max_pool2d(x: Array) -> Array:
    """The largest value of each image and channel: (N, H, W, C) to (N, C).

    >>> global_max_pool2d(np.arange(4.0).reshape(1, 2, 2, 1))
    array([[3.]])
    """
    check_rank("global_max_pool2d", "x_NHWC", x, 4, "Images are (N, H, W, C): a grey image needs x[..., None].")
    return np.reshape(max_pool2d(x, (x.shape[1], x.shape[2])), (x.shape[0], x.shape[3]))
