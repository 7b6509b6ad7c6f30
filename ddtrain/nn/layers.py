"""Layers: a declaration of parameters and one operation each.

Names of attributes are PyTorch's, so that a checkpoint's names are too; layouts are ours, (in, out) and
channels-last, and mapped on export.
"""

# N batch, H height, W width, C channels, D in, K out, V vocabulary, T positions
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ddtrain.numpy as np
from ddtrain import ops
from ddtrain.errors import ShapeError, UsageError
from ddtrain.nn import init
from ddtrain.nn.argument_checks import Pair, pair, sizes
from ddtrain.nn.declarations import param
from ddtrain.nn.module import Module


class Linear(Module):
    """``x @ weight + bias`` over the last axis. weight (in, out), bias (out,).

    >>> Linear(3, 2).declarations()["weight"].torch_shape()
    (2, 3)
    """

    def __init__(self, d_in: int, d_out: int, bias: bool = True, weight_init: init.Init = init.fan_in_uniform) -> None:
        d_in, d_out = sizes("Linear", d_in=d_in, d_out=d_out)
        self.weight = param((d_in, d_out), weight_init, torch_axes=(1, 0))
        self.bias = param((d_out,), init.bias_uniform(d_in)) if bias else None

    def forward(self, x: Any) -> Any:
        return ops.linear(x, self.weight, self.bias)


class Conv2d(Module):
    """Convolution of (N, H, W, C) images. weight (kh, kw, in/groups, out), bias (out,).

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
    ) -> None:
        c_in, c_out, groups = sizes("Conv2d", c_in=c_in, c_out=c_out, groups=groups)
        if c_in % groups or c_out % groups:
            raise UsageError(f"Conv2d: {groups} groups do not divide {c_in} input and {c_out} output channels")
        shape = (*pair("Conv2d", "kernel", kernel), c_in // groups, c_out)
        self.weight = param(shape, weight_init, torch_axes=(3, 2, 0, 1))
        self.bias = param((c_out,), init.bias_uniform(init.fan_in(shape))) if bias else None
        self.stride, self.groups = pair("Conv2d", "stride", stride), groups
        self.padding = padding if isinstance(padding, str) else pair("Conv2d", "padding", padding, 0)

    def forward(self, x_NHWC: Any) -> Any:
        return ops.conv2d(x_NHWC, self.weight, self.bias, stride=self.stride, padding=self.padding, groups=self.groups)


class Embedding(Module):
    """Row ``i`` of the table for every index ``i``. weight (V, D).

    >>> table = Embedding(vocabulary=3, d=2).bind({"weight": np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])})
    >>> table(np.array([2, 0]))
    array([[4., 5.],
           [0., 1.]])
    """

    def __init__(self, vocabulary: int, d: int, weight_init: init.Init = init.standard_normal) -> None:
        self.weight = param(sizes("Embedding", vocabulary=vocabulary, d=d), weight_init)

    def forward(self, indices: Any) -> Any:
        return ops.embedding(self.weight, indices)


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

    def forward(self, x: Any) -> Any:
        return ops.layer_norm(x, self.weight, self.bias, eps=self.eps)


class Dropout(Module):
    """Sets a fraction ``rate`` of the activations to zero in training and scales the others by 1/(1 − rate).

    The mask of a sample depends on (seed, layer, step, position in the global batch) and on nothing else; a layer that
    is called again in the same forward pass drops other units.

    >>> from ddtrain.rng import SampleRng
    >>> dropout = Dropout(0.5)
    >>> sorted(set(dropout.bind({}, training=True, rng=SampleRng(seed=0, step=0))(np.ones((1, 20))).ravel().tolist()))
    [0.0, 2.0]
    >>> dropout.bind({})(np.ones((1, 2)))
    array([[1., 1.]])
    """

    def __init__(self, rate: float = 0.5) -> None:
        if not 0 <= rate < 1:
            raise UsageError(f"Dropout: rate {rate} is not in [0, 1)")
        self.rate = rate

    def forward(self, x: Any) -> Any:
        if not self.run.training or self.rate == 0:
            return x
        return ops.dropout(x, self.run.uniform(f"dropout/{self._path}", x.shape), rate=self.rate)


class MaxPool2d(Module):
    """The largest value of each window of (N, H, W, C) images.

    >>> MaxPool2d(2).bind({})(np.arange(16.0).reshape(1, 4, 4, 1))[0, :, :, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """

    def __init__(self, kernel: Pair, stride: Pair | None = None, padding: Pair = 0) -> None:
        self.kernel = pair("MaxPool2d", "kernel", kernel)
        self.stride = self.kernel if stride is None else pair("MaxPool2d", "stride", stride)
        self.padding = pair("MaxPool2d", "padding", padding, 0)

    def forward(self, x_NHWC: Any) -> Any:
        return ops.max_pool2d(x_NHWC, self.kernel, stride=self.stride, padding=self.padding)


class AvgPool2d(Module):
    """The mean of each window of (N, H, W, C) images.

    >>> AvgPool2d(2).bind({})(np.arange(16.0).reshape(1, 4, 4, 1))[0, :, :, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """

    def __init__(self, kernel: Pair, stride: Pair | None = None, padding: Pair = 0) -> None:
        self.kernel = pair("AvgPool2d", "kernel", kernel)
        self.stride = self.kernel if stride is None else pair("AvgPool2d", "stride", stride)
        self.padding = pair("AvgPool2d", "padding", padding, 0)

    def forward(self, x_NHWC: Any) -> Any:
        return ops.avg_pool2d(x_NHWC, self.kernel, stride=self.stride, padding=self.padding)


class GlobalAvgPool2d(Module):
    """The mean over all positions: (N, H, W, C) to (N, C).

    >>> GlobalAvgPool2d().bind({})(np.arange(8.0).reshape(1, 2, 2, 2))
    array([[3., 4.]])
    """

    def forward(self, x_NHWC: Any) -> Any:
        return ops.global_avg_pool2d(x_NHWC)


class Flatten(Module):
    """One row a sample. Images are flattened channels first, as PyTorch does, so that exported weights fit.

    >>> Flatten().bind({})(np.arange(4.0).reshape(1, 1, 2, 2))  # two pixels of two channels
    array([[0., 2., 1., 3.]])
    """

    def forward(self, x: Any) -> Any:
        if x.ndim == 4:
            x = np.transpose(x, (0, 3, 1, 2))
        return np.reshape(x, (x.shape[0], -1) if x.shape[0] else (0, int(np.prod(x.shape[1:]))))


class Activation(Module):
    """An elementwise function as a module: ``Activation(ops.relu)``.

    >>> Activation(np.square).bind({})(np.array([-2.0, 3.0]))
    array([4., 9.])
    """

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def forward(self, x: Any) -> Any:
        return self.function(x)


class Sequential(Module):
    """Modules one after the other, named by position: ``0.weight``, ``0.bias``, ``1.weight`` ...

    >>> model = Sequential(Linear(4, 3), relu(), Linear(3, 2))
    >>> list(model.declarations())
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """

    def __init__(self, *layers: Module) -> None:
        for k, layer in enumerate(layers):
            if not isinstance(layer, Module):
                raise ShapeError(f"Sequential: argument {k} is a {type(layer).__name__}, not a module")
            setattr(self, str(k), layer)

    def forward(self, x: Any) -> Any:
        for _, layer in self.children():
            x = layer(x)
        return x


def relu() -> Activation:
    """``max(x, 0)`` as a module.

    >>> relu().bind({})(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return Activation(ops.relu)


def tanh() -> Activation:
    """Hyperbolic tangent as a module.

    >>> tanh().bind({})(np.array([-1.0, 0.0])).round(3)
    array([-0.762,  0.   ])
    """
    return Activation(ops.tanh)


def gelu() -> Activation:
    """Gaussian error linear unit as a module.

    >>> gelu().bind({})(np.array([-1.0, 1.0])).round(3)
    array([-0.159,  0.841])
    """
    return Activation(ops.gelu)


def sigmoid() -> Activation:
    """Logistic function as a module.

    >>> sigmoid().bind({})(np.array([0.0, 2.0])).round(3)
    array([0.5  , 0.881])
    """
    return Activation(ops.sigmoid)
