"""Activations by name: the table, what looks one up, and functions for the commonest."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

import numpy as np

from ddtrain.errors import UsageError, quoted
from ddtrain.nn.layers.activation import (
    ELU,
    GELU,
    SELU,
    Activation,
    Hardsigmoid,
    Hardtanh,
    Identity,
    LeakyReLU,
    LogSoftmax,
    Max,
    Maxout,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)  # fmt: skip
from ddtrain.nn.module import Module

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

    >>> import numpy as np
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


def unitwise(name: str) -> Module:
    """The activation of a name, which must give as many units as it takes, as those between layers do.

    Raises
    ------
    UsageError : there is none of the name; it gives another number, as maxout

    >>> type(unitwise("tanh")).__name__
    'Tanh'
    >>> unitwise("maxout")
    Traceback (most recent call last):
    ddtrain.errors.UsageError: activation 'maxout' makes 2 units of 4
      Choose one that keeps their number, such as relu.
    """
    made = activation(name)
    units = made.bind(made.init())(np.zeros((1, 4), np.float32)).shape[1:]
    if units != (4,):
        raise UsageError(
            f"activation {quoted(name)} makes {f'{units[0]} units' if units else 'one number'} of 4",
            remedy="Choose one that keeps their number, such as relu.",
        )
    return made


def relu() -> Activation:
    """``max(x, 0)`` as a module.

    >>> import numpy as np
    >>> relu().bind({})(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return ReLU()


def tanh() -> Activation:
    """Hyperbolic tangent as a module.

    >>> import numpy as np
    >>> tanh().bind({})(np.array([-1.0, 0.0])).round(3)
    array([-0.762,  0.   ])
    """
    return Tanh()


def gelu() -> Activation:
    """Gaussian error linear unit as a module.

    >>> import numpy as np
    >>> gelu().bind({})(np.array([-1.0, 1.0])).round(3)
    array([-0.159,  0.841])
    """
    return GELU()


def sigmoid() -> Activation:
    """Logistic function as a module.

    >>> import numpy as np
    >>> sigmoid().bind({})(np.array([0.0, 2.0])).round(3)
    array([0.5  , 0.881])
    """
    return Sigmoid()
