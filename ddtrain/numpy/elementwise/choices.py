"""Functions that pick one of their arguments: where, maximum, minimum, clip. Ties share the derivative evenly.

``pick`` is the primitive, which takes three arguments; :func:`where` takes the condition alone, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.autodiff import Array, def_elementwise, primitive
from ddtrain.autodiff.core.examples import case
from ddtrain.numpy.elementwise.comparisons import nonzero

__all__ = ["clip", "fmax", "fmin", "maximum", "minimum", "where"]

pick = primitive(
    np.where,
    examples=lambda r: [
        case(r(2, 3) > 0, r(2, 3), r(2, 3)),
        case(r(4, 1) > 0, r(3), r(4, 3)),
        case(np.array(True), r(), 0.0),
    ],
)
def_elementwise(pick, None, lambda g, ans, c, x, y: pick(c, g, 0.0), lambda g, ans, c, x, y: pick(c, 0.0, g))


def where(condition: Array, x: Array = None, y: Array = None) -> Array:
    """Entries of ``x`` where ``condition`` holds, else of ``y``; given neither, the positions at which it holds.

    >>> where(np.array([0.0, 2.0]))
    (array([1]),)
    """
    if (x is None) != (y is None):
        raise ValueError("where: x and y go together; give both, or neither")
    return nonzero(condition) if x is None else pick(condition, x, y)


def _share(g: Any, ans: Any, this: Any, other: Any) -> Any:
    """``g`` where ``this`` is the answer, half of it at a tie. The constants are Python's, so float32 stays float32."""
    return pick(this == other, 0.5 * g, pick(this == ans, g, 0.0))


maximum = primitive(np.maximum, examples=lambda r: [case(r.spaced(2, 3), 0.2 * r(2, 3)), case(r.spaced(4, 1), r(3))])
def_elementwise(maximum, lambda g, ans, x, y: _share(g, ans, x, y), lambda g, ans, x, y: _share(g, ans, y, x))

minimum = primitive(np.minimum, examples=lambda r: [case(r.spaced(2, 3), 0.2 * r(2, 3)), case(r.spaced(4, 1), r(3))])
def_elementwise(minimum, lambda g, ans, x, y: _share(g, ans, x, y), lambda g, ans, x, y: _share(g, ans, y, x))

fmax = primitive(np.fmax, examples=lambda r: [case(r.spaced(2, 3), 0.2 * r(2, 3))])
def_elementwise(fmax, lambda g, ans, x, y: _share(g, ans, x, y), lambda g, ans, x, y: _share(g, ans, y, x))

fmin = primitive(np.fmin, examples=lambda r: [case(r.spaced(2, 3), 0.2 * r(2, 3))])
def_elementwise(fmin, lambda g, ans, x, y: _share(g, ans, x, y), lambda g, ans, x, y: _share(g, ans, y, x))


def clip(x: Array, a_min: Array = None, a_max: Array = None) -> Array:
    """``x`` limited to [a_min, a_max]; either bound may be None, an array, or traced.

    >>> clip(np.array([-2.0, 0.5, 2.0]), -1.0, 1.0)
    array([-1. ,  0.5,  1. ])
    """
    x = x if a_min is None else maximum(x, a_min)
    return x if a_max is None else minimum(x, a_max)
