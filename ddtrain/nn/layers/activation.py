"""Activations as modules, under PyTorch's names, and the table that finds them by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import partial
from typing import Any

import ddtrain.numpy as np
from ddtrain import ops
from ddtrain.errors import UsageError, quoted
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

    def forward(self, x: Any) -> Any:
        return self.function(x)


class Identity(Module):
    """``x`` itself."""

    def forward(self, x: Any) -> Any:
        return x


class ReLU(Activation):
    """``max(x, 0)``."""

    def __init__(self) -> None:
        super().__init__(ops.relu)


class LeakyReLU(Activation):
    """x where positive, ``slope * x`` elsewhere."""

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

    def forward(self, x: Any) -> Any:
        return ops.prelu(x, self.weight)


class ELU(Activation):
    """x where positive, ``alpha * (exp(x) - 1)`` elsewhere."""

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__(partial(ops.elu, alpha=alpha))


class SELU(Activation):
    """The self-normalising ELU; its weights begin with ``init.LeCunNormal()``."""

    def __init__(self) -> None:
        super().__init__(ops.selu)


class GELU(Activation):
    """``x * Phi(x)``, or its approximation by "tanh"."""

    def __init__(self, approximate: str = "none") -> None:
        super().__init__(partial(ops.gelu, approximate=approximate))


class SiLU(Activation):
    """``x / (1 + exp(-x))``, also known as swish."""

    def __init__(self) -> None:
        super().__init__(ops.silu)


class Softplus(Activation):
    """``log(1 + exp(beta * x)) / beta``."""

    def __init__(self, beta: float = 1.0) -> None:
        super().__init__(partial(ops.softplus, beta=beta))


class Sigmoid(Activation):
    """``1 / (1 + exp(-x))``."""

    def __init__(self) -> None:
        super().__init__(ops.sigmoid)


class Tanh(Activation):
    """Hyperbolic tangent."""

    def __init__(self) -> None:
        super().__init__(ops.tanh)


class Hardtanh(Activation):
    """x between ``low`` and ``high``, and the nearer of them elsewhere."""

    def __init__(self, low: float = -1.0, high: float = 1.0) -> None:
        super().__init__(partial(ops.hard_tanh, low=low, high=high))


class Hardsigmoid(Activation):
    """``x / 6 + 1/2``, but no less than 0 and no more than 1."""

    def __init__(self) -> None:
        super().__init__(ops.hard_sigmoid)


class Softmax(Activation):
    """``exp(x) / sum(exp(x))`` along an axis."""

    def __init__(self, axis: int = -1) -> None:
        super().__init__(partial(ops.softmax, axis=axis))


class LogSoftmax(Activation):
    """The logarithm of the softmax along an axis."""

    def __init__(self, axis: int = -1) -> None:
        super().__init__(partial(ops.log_softmax, axis=axis))


class Max(Activation):
    """The largest entry along an axis, which is gone then; equal ones share the derivative."""

    def __init__(self, axis: int = -1) -> None:
        super().__init__(partial(np.max, axis=axis))


class Maxout(Activation):
    """The largest of each ``pieces`` neighbours along the last axis: after ``Linear(d, pieces * k)``, k units."""

    def __init__(self, pieces: int = 2) -> None:
        (pieces,) = sizes("Maxout", pieces=pieces)
        super().__init__(partial(ops.maxout, pieces=pieces))


ACTIVATIONS: dict[str, Callable[..., Module]] = {  # by PyTorch's names in lower case
    kind.__name__.lower(): kind
    for kind in (
        Identity, ReLU, LeakyReLU, PReLU, ELU, SELU, GELU, SiLU, Softplus, Sigmoid, Tanh, Hardtanh, Hardsigmoid,
        Softmax, LogSoftmax, Max, Maxout,
    )
}  # fmt: skip


def activation(name: str, **options: Any) -> Module:
    """The activation of a name, with its options: a new module.

    Parameters
    ----------
    name : PyTorch's, in any case, with or without underscores

    Raises
    ------
    UsageError : there is none of the name, with the nearest; it has no such option

    >>> activation("leaky_relu", slope=0.5).bind({})(np.array([-1.0, 1.0]))
    array([-0.5,  1. ])
    """
    known = name.replace("_", "").lower()
    if known not in ACTIVATIONS:
        near = difflib.get_close_matches(known, ACTIVATIONS, n=1)
        raise UsageError(
            f"activation {quoted(name)} is not known",
            remedy=f"{f'Did you mean {near[0]}? ' if near else ''}There is {', '.join(ACTIVATIONS)}.",
        )
    try:
        return ACTIVATIONS[known](**options)
    except TypeError as error:
        raise UsageError(f"activation {quoted(name)}: {error}") from None


def relu() -> Activation:
    """``max(x, 0)`` as a module.

    >>> relu().bind({})(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return ReLU()


def tanh() -> Activation:
    """Hyperbolic tangent as a module.

    >>> tanh().bind({})(np.array([-1.0, 0.0])).round(3)
    array([-0.762,  0.   ])
    """
    return Tanh()


def gelu() -> Activation:
    """Gaussian error linear unit as a module.

    >>> gelu().bind({})(np.array([-1.0, 1.0])).round(3)
    array([-0.159,  0.841])
    """
    return GELU()


def sigmoid() -> Activation:
    """Logistic function as a module.

    >>> sigmoid().bind({})(np.array([0.0, 2.0])).round(3)
    array([0.5  , 0.881])
    """
    return Sigmoid()
