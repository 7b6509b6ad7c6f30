"""Pooling layers."""

from __future__ import annotations

from typing import Any

from ddtrain import ops
from ddtrain.nn.argument_checks import Pair, pair
from ddtrain.nn.module import Module


class MaxPool2d(Module):
    """The largest value of each window of (N, H, W, C) images."""

    def __init__(self, kernel: Pair, stride: Pair | None = None, padding: Pair = 0) -> None:
        self.kernel = pair("MaxPool2d", "kernel", kernel)
        self.stride = self.kernel if stride is None else pair("MaxPool2d", "stride", stride)
        self.padding = pair("MaxPool2d", "padding", padding, 0)

    def forward(self, x_NHWC: Any) -> Any:
        return ops.max_pool2d(x_NHWC, self.kernel, stride=self.stride, padding=self.padding)


class AvgPool2d(Module):
    """The mean of each window of (N, H, W, C) images."""

    def __init__(self, kernel: Pair, stride: Pair | None = None, padding: Pair = 0) -> None:
        self.kernel = pair("AvgPool2d", "kernel", kernel)
        self.stride = self.kernel if stride is None else pair("AvgPool2d", "stride", stride)
        self.padding = pair("AvgPool2d", "padding", padding, 0)

    def forward(self, x_NHWC: Any) -> Any:
        return ops.avg_pool2d(x_NHWC, self.kernel, stride=self.stride, padding=self.padding)


class GlobalAvgPool2d(Module):
    """The mean over all positions: (N, H, W, C) to (N, C)."""

    def forward(self, x_NHWC: Any) -> Any:
        return ops.global_avg_pool2d(x_NHWC)
