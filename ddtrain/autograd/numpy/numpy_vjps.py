"""What rules written for Autograd use of its ``numpy_vjps``: fitting a cotangent to an argument.

The walkers here fit cotangents themselves, so that rules need none of this; it does no harm.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ddtrain.autodiff import value_of
from ddtrain.autodiff.core.vector_space import match
from ddtrain.numpy.elementwise.casts import iscomplexobj
from ddtrain.numpy.elementwise.choices import where
from ddtrain.numpy.elementwise.complex_numbers import real

__all__ = ["balanced_eq", "match_complex", "replace_zero", "unbroadcast_f"]


def unbroadcast_f(target: Any, f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The rule ``f`` with its result summed over the axes along which ``target`` was broadcast.

    >>> unbroadcast_f(np.ones((1, 2)), lambda g: 2 * g)(np.ones((3, 2)))
    array([[6., 6.]])
    """
    x = np.asarray(value_of(target))
    kind = x.dtype if x.dtype.kind in "fc" else np.dtype(float)
    return lambda g: match(f(g), x.shape, kind)


def match_complex(target: Any, x: Any) -> Any:
    """``x``, real where ``target`` is and complex where that is.

    >>> float(match_complex(1.0, 2 + 1j))
    2.0
    """
    if iscomplexobj(x) == iscomplexobj(target):
        return x
    return real(x) if iscomplexobj(x) else x + 0j


def replace_zero(x: Any, val: Any) -> Any:
    """``x`` with ``val`` where it is zero."""
    return where(x, x, val)


def balanced_eq(x: Any, z: Any, y: Any) -> Any:
    """The share of ``x`` in a maximum or minimum ``z`` of x and y: 1, 0, or 1/2 where they tie."""
    return (x == z) / (1.0 + (x == y))
