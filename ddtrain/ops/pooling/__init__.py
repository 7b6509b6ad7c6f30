"""Pooling, channels-last: ``windows`` of images, ``sequences``, ``adaptive`` to a size, and ``everywhere`` at once."""

from ddtrain.ops.pooling.adaptive import adaptive_avg_pool2d, adaptive_max_pool2d
from ddtrain.ops.pooling.everywhere import global_avg_pool2d, global_max_pool2d
from ddtrain.ops.pooling.sequences import (
    adaptive_avg_pool1d,
    adaptive_max_pool1d,
    avg_pool1d,
    global_avg_pool1d,
    global_max_pool1d,
    max_pool1d,
)
from ddtrain.ops.pooling.windows import avg_pool2d, max_pool2d

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool1d", "adaptive_max_pool2d", "avg_pool1d",
    "avg_pool2d", "global_avg_pool1d", "global_avg_pool2d", "global_max_pool1d", "global_max_pool2d", "max_pool1d",
    "max_pool2d",
]  # fmt: skip
