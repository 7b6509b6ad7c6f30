"""Activations as modules, under PyTorch's names."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import ddtrain.numpy as np
from ddtrain import ops
from ddtrain.autodiff import Array
from ddtrain.nn import init
from ddtrain.nn.argument_checks import sizes
from ddtrain.nn.declarations import param
from ddtrain.nn.module import Module


class Activation(Module):
    """An elementwise function as a module: ``Activation(ops.relu)``.

    >>> Activation(np.square).bind({})(np.array([-2.0, 3.0]))
    array([4., 9.])
    """

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def forward(self, x: Array) -> Array:
        return self.function(x)


class Identity(Module):
    """``x`` itself.

    >>> Identity().bind({})(np.array([-1.0, 2.0]))
    array([-1.,  2.])
    """

    def forward(self, x: Array) -> Array:
        return x


class ReLU(Activation):
    """``max(x, 0)``.

    >>> ReLU().bind({})(np.array([-1.0, 2.0]))
    array([0., 2.])
    """

    def __init__(self) -> None:
        super().__init__(ops.relu)


class LeakyReLU(Activation):
    """x where positive, ``slope * x`` elsewhere.

    >>> LeakyReLU(0.5).bind({})(np.array([-1.0, 2.0]))
    array([-0.5,  2. ])
    """

    def __init__(self, slope: float = 0.01) -> None:
        super().__init__(partial(ops.leaky_relu, slope=slope))


class PReLU(Module):
    """x where positive, ``weight * x`` elsewhere; weight (1,) for all channels, or (C,), is trained (arXiv:1502.01852).

    >>> layer = PReLU()
    >>> layer.bind(layer.init())(np.array([-1.0, 2.0]))
    array([-0.25,  2.  ])
    """

    def __init__(self, channels: int = 1, slope: float = 0.25) -> None:
        self.weight = param(sizes("PReLU", channels=channels), init.Constant(value=slope))

    def forward(self, x: Array) -> Array:
        return ops.prelu(x, self.weight)


class ELU(Activation):
    """x where positive, ``alpha * (exp(x) - 1)`` elsewhere.

    >>> ELU().bind({})(np.array([-1.0, 2.0])).round(3)
    array([-0.632,  2.   ])
    """

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__(partial(ops.elu, alpha=alpha))


class SELU(Activation):
    """The self-normalising ELU; its weights begin with ``init.LeCunNormal()``.

    >>> SELU().bind({})(np.array([-1.0, 2.0])).round(3)
    array([-1.111,  2.101])
    """

    def __init__(self) -> None:
        super().__init__(ops.selu)


class GELU(Activation):
    """``x * Phi(x)``, or its approximation by "tanh".

    >>> GELU("tanh").bind({})(np.array([-1.0, 2.0])).round(3)
    array([-0.159,  1.955])
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__(partial(ops.gelu, approximate=approximate))


class SiLU(Activation):
    """``x / (1 + exp(-x))``, also known as swish.

    >>> SiLU().bind({})(np.array([-1.0, 2.0])).round(3)
    array([-0.269,  1.762])
    """

    def __init__(self) -> None:
        super().__init__(ops.silu)


class Softplus(Activation):
    """``log(1 + exp(beta * x)) / beta``.

    >>> Softplus().bind({})(np.array([-1.0, 2.0])).round(3)
    array([0.313, 2.127])
    """

    def __init__(self, beta: float = 1.0) -> None:
        super().__init__(partial(ops.softplus, beta=beta))


class Sigmoid(Activation):
    """``1 / (1 + exp(-x))``.

    >>> Sigmoid().bind({})(np.array([-1.0, 2.0])).round(3)
    array([0.269, 0.881])
    """

    def __init__(self) -> None:
        super().__init__(ops.sigmoid)


class Tanh(Activation):
    """Hyperbolic tangent.

    >>> Tanh().bind({})(np.array([-1.0, 2.0])).round(3)
    array([-0.762,  0.964])
    """

    def __init__(self) -> None:
        super().__init__(ops.tanh)


class Hardtanh(Activation):
    """x between ``low`` and ``high``, and the nearer of them elsewhere.

    >>> Hardtanh().bind({})(np.array([-0.5, 2.0]))
    array([-0.5,  1. ])
    """

    def __init__(self, low: float = -1.0, high: float = 1.0) -> None:
        super().__init__(partial(ops.hard_tanh, low=low, high=high))
        self.low, self.high = low, high


class Hardsigmoid(Activation):
    """``x / 6 + 1/2``, but no less than 0 and no more than 1.

    >>> Hardsigmoid().bind({})(np.array([0.0, 9.0]))
    array([0.5, 1. ])
    """

    def __init__(self) -> None:
        super().__init__(ops.hard_sigmoid)


class Softmax(Activation):
    """``exp(x) / sum(exp(x))`` along an axis.

    >>> Softmax().bind({})(np.array([1.0, 1.0]))
    array([0.5, 0.5])
    """

    def __init__(self, axis: int = -1) -> None:
        super().__init__(partial(ops.softmax, axis=axis))


class LogSoftmax(Activation):
    """The logarithm of the softmax along an axis.

    >>> LogSoftmax().bind({})(np.array([1.0, 1.0])).round(3)
    array([-0.693, -0.693])
    """

    def __init__(self, axis: int = -1) -> None:
        super().__init__(partial(ops.log_softmax, axis=axis))


class Max(Activation):
    """The largest entry along an axis, which is gone then; equal ones share the derivative.

    >>> Max().bind({})(np.array([[1.0, 4.0], [3.0, 2.0]]))
    array([4., 3.])
    """

    def __init__(self, axis: int = -1) -> None:
        super().__init__(partial(np.max, axis=axis))


class Maxout(Activation):
    """The largest of each ``pieces`` neighbours along the last axis: after ``Linear(d, pieces * k)``, k units.

    >>> Maxout(2).bind({})(np.array([1.0, 4.0, 3.0, 2.0]))
    array([4., 3.])
    """

    def __init__(self, pieces: int = 2) -> None:
        (pieces,) = sizes("Maxout", pieces=pieces)
        super().__init__(partial(ops.maxout, pieces=pieces))
