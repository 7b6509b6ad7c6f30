"""Convolution layers."""

from __future__ import annotations

from typing import Any

from ddtrain import ops
from ddtrain.errors import UsageError
from ddtrain.nn import init
from ddtrain.nn.argument_checks import Pair, pair, sizes
from ddtrain.nn.declarations import param
from ddtrain.nn.module import Module


class Conv2d(Module):
    """Convolution of (N, H, W, C) images. weight (kh, kw, in/groups, out), bias (out,)."""

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel: Pair,
        stride: Pair = 1,
        padding: Pair | str = 0,
        groups: int = 1,
        bias: bool = True,
        weight_init: init.Init = init.fan_in_uniform,
    ) -> None:
        c_in, c_out, groups = sizes("Conv2d", c_in=c_in, c_out=c_out, groups=groups)
        if c_in % groups or c_out % groups:
            raise UsageError(f"Conv2d: {groups} groups do not divide {c_in} input and {c_out} output channels")
        shape = (*pair("Conv2d", "kernel", kernel), c_in // groups, c_out)
        fans = init.fan_in(shape), shape[0] * shape[1] * c_out // groups
        self.weight = param(shape, weight_init, torch_axes=(3, 2, 0, 1), fans=fans)
        self.bias = param((c_out,), init.bias_uniform(init.fan_in(shape))) if bias else None
        self.stride, self.groups = pair("Conv2d", "stride", stride), groups
        self.padding = padding if isinstance(padding, str) else pair("Conv2d", "padding", padding, 0)

    def forward(self, x_NHWC: Any) -> Any:
        return ops.conv2d(x_NHWC, self.weight, self.bias, stride=self.stride, padding=self.padding, groups=self.groups)
