"""Dropout, as one step of a trace and a pure function of the numbers that decide."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.autodiff import Array, fused
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import ShapeError, UsageError
from ddtrain.kernels import dropout as kernel


def _check(x: Any, uniform: Any, rate: float) -> None:
    if not 0 <= rate <= 1:
        raise UsageError(f"dropout: rate {rate} is outside [0, 1]", remedy="It is the share of units to drop.")
    if x.shape != uniform.shape:
        raise ShapeError(f"dropout: x has shape {x.shape} but the uniform numbers have shape {uniform.shape}")


def _dropout(x: Array, uniform: Array, rate: float = 0.5) -> Array:
    """``x / (1 - rate)`` where ``uniform >= rate``, zero elsewhere.

    Parameters
    ----------
    x : any shape
    uniform : numbers in [0, 1) of the same shape, e.g. from :class:`ddtrain.rng.SampleRng`; not differentiated
    rate : the share of units to drop

    Raises
    ------
    ShapeError : one uniform number a unit is needed
    UsageError : a rate outside [0, 1]

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov (2014), "Dropout: A simple way to prevent neural networks
    from overfitting".

    >>> import numpy as np
    >>> dropout(np.ones(3), np.array([0.1, 0.5, 0.9]), 0.5)
    array([0., 2., 2.])
    """
    _check(x, uniform, rate)
    return x * kernel.keep(uniform, rate, np.result_type(x.dtype, 1.0))


def _forward(x: Any, uniform: Any, rate: float = 0.5) -> tuple[Any, Any]:
    _check(x, uniform, rate)
    return kernel.forward(x, uniform, rate)


def _backward(needs: tuple[int, ...], g: Any, kept: Any, x: Any, uniform: Any, rate: float = 0.5) -> list[Any]:
    return [kernel.backward(g, kept) if i == 0 else None for i in needs]


dropout = fused(
    _dropout,
    _forward,
    _backward,
    mixed=1,
    name="dropout",
    examples=lambda r: [
        case(r(3, 4), abs(r.unit(3, 4)), 0.3, argnums=(0,)),
        case(r(2, 3), abs(r.unit(2, 3)), argnums=(0,)),
    ],
)
