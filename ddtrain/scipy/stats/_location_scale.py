"""What the distributions share: location and scale, and nothing outside the support.

Every function here is composed of differentiable ones, so it has derivatives in every argument, in both modes, to
any order. What is outside the support is replaced by a point inside before the formula sees it, so that neither an
infinite value nor an infinite derivative is multiplied by zero.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ddtrain.autodiff import value_of
from ddtrain.numpy import asarray, log, where


def taking_lists(fun: Callable[..., Any]) -> Callable[..., Any]:
    """``fun`` with lists among its arguments taken for arrays."""

    @wraps(fun)
    def call(*args: Any, **kwargs: Any) -> Any:
        return fun(*map(_array, args), **{key: _array(value) for key, value in kwargs.items()})

    return call


def _array(x: Any) -> Any:
    return asarray(x) if isinstance(x, list | tuple | range) else x


def standardized(x: Any, loc: Any, scale: Any) -> Any:
    """(x - loc) / scale, an array or traced."""
    x = x if hasattr(x, "dtype") else asarray(x, float)
    if type(loc) is int and loc == 0 and type(scale) is int and scale == 1:
        return x
    return (x - loc) / scale


def minus_log(density: Any, scale: Any) -> Any:
    """``density - log(scale)``: the change of variables to the standard form."""
    return density if type(scale) is int and scale == 1 else density - log(scale)


def on_support(inside: Any, fun: Callable[[Any], Any], z: Any, otherwise: Any, at: float = 0.5) -> Any:
    """``fun(z)`` where ``inside``, ``otherwise`` elsewhere; ``at`` is any point of the support."""
    if np.all(value_of(inside)):
        return fun(z)
    return where(inside, fun(where(inside, z, at)), otherwise)
