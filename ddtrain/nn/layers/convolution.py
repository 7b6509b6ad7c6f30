"""Convolution layers, channels-last.

Depthwise is ``groups=c_in``; dilated (à trous) is ``dilation`` above 1. The options are those of the operations.
"""

from __future__ import annotations

from ddtrain import ops
from ddtrain.autodiff import Array
from ddtrain.nn import init
from ddtrain.nn.argument_checks import Pair, check_groups, number, pair, sizes
from ddtrain.nn.declarations import param
from ddtrain.nn.module import Module


class Conv1d(Module):
    """Convolution of (N, T, C) sequences. weight (k, in/groups, out), bias (out,).

    >>> Conv1d(3, 8, 5).declarations()["weight"].torch_shape()
    (8, 3, 5)
    """

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel: int,
        stride: int = 1,
        padding: int | str = 0,
        groups: int = 1,
        bias: bool = True,
        weight_init: init.Init = init.fan_in_uniform,
        dilation: int = 1,
    ) -> None:
        c_in, c_out, kernel, groups = sizes("Conv1d", c_in=c_in, c_out=c_out, kernel=kernel, groups=groups)
        check_groups("Conv1d", groups, c_in, c_out)
        shape = kernel, c_in // groups, c_out
        fans = kernel * c_in // groups, kernel * c_out // groups
        self.weight = param(shape, weight_init, torch_axes=(2, 1, 0), fans=fans)
        self.bias = param((c_out,), init.bias_uniform(fans[0])) if bias else None
        self.stride, self.dilation, self.groups = *sizes("Conv1d", stride=stride, dilation=dilation), groups
        self.padding = padding if isinstance(padding, str) else number("Conv1d", "padding", padding, 0)

    def forward(self, x_NTC: Array) -> Array:
        return ops.conv1d(x_NTC, self.weight, self.bias, self.stride, self.padding, self.groups, self.dilation)


class Conv2d(Module):
    """Convolution of (N, H, W, C) images. weight (kh, kw, in/groups, out), bias (out,).

    >>> import numpy as np
    >>> conv = Conv2d(3, 8, kernel=3, stride=2, padding=1)
    >>> conv.bind(conv.init(seed=0))(np.ones((5, 32, 32, 3))).shape
    (5, 16, 16, 8)
    """

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
        dilation: Pair = 1,
    ) -> None:
        c_in, c_out, groups = sizes("Conv2d", c_in=c_in, c_out=c_out, groups=groups)
        check_groups("Conv2d", groups, c_in, c_out)
        shape = (*pair("Conv2d", "kernel", kernel), c_in // groups, c_out)
        fans = init.fan_in(shape), shape[0] * shape[1] * c_out // groups
        self.weight = param(shape, weight_init, torch_axes=(3, 2, 0, 1), fans=fans)
        self.bias = param((c_out,), init.bias_uniform(fans[0])) if bias else None
        self.stride, self.groups = pair("Conv2d", "stride", stride), groups
        self.padding = padding if isinstance(padding, str) else pair("Conv2d", "padding", padding, 0)
        self.dilation = pair("Conv2d", "dilation", dilation)

    def forward(self, x_NHWC: Array) -> Array:
        return ops.conv2d(x_NHWC, self.weight, self.bias, self.stride, self.padding, self.groups, self.dilation)


class ConvTranspose1d(Module):
    """The transpose of a convolution, which lengthens (N, T, C) sequences. weight (k, out/groups, in), bias (out,).

    The initial values are PyTorch's, whose bound is 1 / sqrt(k * out / groups); by rule or ``weight_init`` they scale
    by the fans that the layer has.

    >>> ConvTranspose1d(8, 3, 4, stride=2, padding=1).declarations()["weight"].torch_shape()
    (8, 3, 4)
    """

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        output_padding: int = 0,
        groups: int = 1,
        bias: bool = True,
        weight_init: init.Init = init.fan_in_uniform,
        dilation: int = 1,
    ) -> None:
        name = "ConvTranspose1d"
        c_in, c_out, kernel, groups = sizes(name, c_in=c_in, c_out=c_out, kernel=kernel, groups=groups)
        check_groups(name, groups, c_in, c_out)
        shape = kernel, c_out // groups, c_in
        fans = kernel * c_in // groups, kernel * c_out // groups
        self.weight = param(shape, weight_init, torch_axes=(2, 1, 0), fans=fans)
        self.bias = param((c_out,), init.bias_uniform(init.fan_in(shape))) if bias else None
        self.stride, self.dilation, self.groups = *sizes(name, stride=stride, dilation=dilation), groups
        self.padding = number(name, "padding", padding, 0)
        self.output_padding = number(name, "output_padding", output_padding, 0)

    def forward(self, x_NTC: Array) -> Array:
        return ops.conv_transpose1d(
            x_NTC, self.weight, self.bias, self.stride, self.padding, self.output_padding, self.groups, self.dilation
        )


class ConvTranspose2d(Module):
    """The transpose of a convolution, which enlarges (N, H, W, C) images. weight (kh, kw, out/groups, in), bias (out,).

    The initial values are PyTorch's, whose bound is 1 / sqrt(kh * kw * out / groups); by rule or ``weight_init`` they
    scale by the fans that the layer has.

    >>> ConvTranspose2d(8, 3, 4, stride=2, padding=1).declarations()["weight"].torch_shape()
    (8, 3, 4, 4)
    """

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel: Pair,
        stride: Pair = 1,
        padding: Pair = 0,
        output_padding: Pair = 0,
        groups: int = 1,
        bias: bool = True,
        weight_init: init.Init = init.fan_in_uniform,
        dilation: Pair = 1,
    ) -> None:
        name = "ConvTranspose2d"
        c_in, c_out, groups = sizes(name, c_in=c_in, c_out=c_out, groups=groups)
        check_groups(name, groups, c_in, c_out)
        kh, kw = pair(name, "kernel", kernel)
        shape = kh, kw, c_out // groups, c_in
        fans = kh * kw * c_in // groups, kh * kw * c_out // groups
        self.weight = param(shape, weight_init, torch_axes=(3, 2, 0, 1), fans=fans)
        self.bias = param((c_out,), init.bias_uniform(init.fan_in(shape))) if bias else None
        self.stride, self.dilation, self.groups = pair(name, "stride", stride), pair(name, "dilation", dilation), groups
        self.padding = pair(name, "padding", padding, 0)
        self.output_padding = pair(name, "output_padding", output_padding, 0)

    def forward(self, x_NHWC: Array) -> Array:
        return ops.conv_transpose2d(
            x_NHWC, self.weight, self.bias, self.stride, self.padding, self.output_padding, self.groups, self.dilation
        )
