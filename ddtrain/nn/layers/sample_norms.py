"""Normalisation of every sample by itself: no rank needs another's, and training is as inference."""

from __future__ import annotations

import numpy as np

from ddtrain import ops
from ddtrain.autodiff import Array
from ddtrain.errors import ShapeError, UsageError
from ddtrain.nn import init
from ddtrain.nn.argument_checks import sizes
from ddtrain.nn.declarations import param
from ddtrain.nn.module import Module


class LayerNorm(Module):
    """Normalises the last axis of every sample by itself. weight, bias (D,).

    >>> norm = LayerNorm(2)
    >>> norm.bind(norm.init())(np.array([[1.0, 3.0], [10.0, 30.0]])).round(3)
    array([[-1.,  1.],
           [-1.,  1.]])
    """

    def __init__(self, d: int, eps: float = 1e-5) -> None:
        shape = sizes("LayerNorm", d=d)
        self.weight, self.bias, self.eps = param(shape, init.ones), param(shape, init.zeros), eps

    def forward(self, x: Array) -> Array:
        return ops.layer_norm(x, self.weight, self.bias, eps=self.eps)


class RMSNorm(Module):
    """Divides the last axis of every sample by its root mean square (arXiv:1910.07467). weight (D,).

    Parameters
    ----------
    eps : added to the mean square; None: the rounding error of x's dtype, as in PyTorch

    >>> norm = RMSNorm(2)
    >>> norm.bind(norm.init())(np.array([[3.0, -3.0]])).round(3)
    array([[ 1., -1.]])
    """

    def __init__(self, d: int, eps: float | None = None) -> None:
        self.weight, self.eps = param(sizes("RMSNorm", d=d), init.ones), eps

    def forward(self, x: Array) -> Array:
        eps = float(np.finfo(x.dtype).eps) if self.eps is None else self.eps
        return ops.rms_norm(x, self.weight, eps=eps)


class GroupNorm(Module):
    """Normalises each of ``groups`` groups of channels of (N, ..., C) over all positions (arXiv:1803.08494).

    weight, bias (C,).

    >>> norm = GroupNorm(2, 4)
    >>> norm.bind(norm.init())(np.array([[1.0, 3.0, 20.0, 60.0]])).round(3)
    array([[-1.,  1., -1.,  1.]])
    """

    def __init__(self, groups: int, channels: int, eps: float = 1e-5) -> None:
        groups, channels = sizes("GroupNorm", groups=groups, channels=channels)
        if channels % groups:
            raise UsageError(f"GroupNorm: {groups} groups do not divide {channels} channels")
        self.weight, self.bias = param((channels,), init.ones), param((channels,), init.zeros)
        self.groups, self.eps = groups, eps

    def forward(self, x: Array) -> Array:
        return ops.group_norm(x, self.weight, self.bias, self.groups, eps=self.eps)


class InstanceNorm(Module):
    """Normalises each channel of each sample of (N, ..., C) over all positions (arXiv:1607.08022).

    Parameters
    ----------
    affine : whether weight and bias, (C,), scale and shift the channels afterwards; not unless told, as in PyTorch

    >>> InstanceNorm(1).bind({})(np.array([[[1.0], [3.0]]]))[0, :, 0].round(3)
    array([-1.,  1.])
    """

    def __init__(self, channels: int, eps: float = 1e-5, affine: bool = False) -> None:
        (self.channels,) = shape = sizes("InstanceNorm", channels=channels)
        self.weight = param(shape, init.ones) if affine else None
        self.bias = param(shape, init.zeros) if affine else None
        self.eps = eps

    def forward(self, x: Array) -> Array:
        if x.shape[-1:] != (self.channels,):
            raise ShapeError(f"InstanceNorm: x has shape {x.shape}, not (N, ..., {self.channels})")
        if self.weight is None:
            return ops.instance_norm(x, eps=self.eps)
        return ops.group_norm(x, self.weight, self.bias, self.channels, eps=self.eps)
