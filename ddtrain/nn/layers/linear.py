"""The linear layer."""

from __future__ import annotations

from ddtrain import ops
from ddtrain.autodiff import Array
from ddtrain.nn import init
from ddtrain.nn.argument_checks import sizes
from ddtrain.nn.declarations import param
from ddtrain.nn.module import Module


class Linear(Module):
    """``x @ weight + bias`` over the last axis. weight (in, out), bias (out,).

    References
    ----------
    Bishop (2006), "Pattern recognition and machine learning", section 5.1.

    >>> Linear(3, 2).declarations()["weight"].torch_shape()
    (2, 3)
    """

    def __init__(self, d_in: int, d_out: int, bias: bool = True, weight_init: init.Init = init.fan_in_uniform) -> None:
        d_in, d_out = sizes("Linear", d_in=d_in, d_out=d_out)
        self.weight = param((d_in, d_out), weight_init, torch_axes=(1, 0))
        self.bias = param((d_out,), init.bias_uniform(d_in)) if bias else None

    def forward(self, x: Array) -> Array:
        return ops.linear(x, self.weight, self.bias)
