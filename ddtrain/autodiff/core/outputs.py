"""Several results of one step: decompositions return a tuple, and a function's answer may be a structure.

A trace sees one value an entry, so several arrays travel as one ``Outputs``, a vector in the product of their spaces.
``pack`` makes one, ``item`` takes an array out; both are ordinary primitives, so the walks need no special case.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from ddtrain.autodiff.core.boxes import BOXES, Box, register_box
from ddtrain.autodiff.core.examples import case
from ddtrain.autodiff.core.primitives import primitive
from ddtrain.autodiff.core.rules import defjvp, defjvp_rest, defvjp, defvjp_rest
from ddtrain.autodiff.core.vector_space import accumulate


class Outputs(tuple[Any, ...]):
    """Arrays (or boxes) side by side. Adds and scales entry by entry; has neither shape nor dtype of its own.

    >>> 2.0 * Outputs((np.ones(2), np.zeros(1))) + Outputs((np.ones(2), np.ones(1)))
    (array([3., 3.]), array([1.]))
    """

    __slots__ = ()
    shape = None  # the same for all Outputs, so that the backward walk never tries to fit one to another
    dtype = None

    def __add__(self, other: Any) -> Self:
        return type(self)(accumulate(a, b) for a, b in zip(self, other, strict=True))

    def __rmul__(self, factor: Any) -> Self:
        return type(self)(factor * a for a in self)


class OutputsBox(Box):
    """Outputs under a trace: taken apart with :func:`unpack`."""

    __slots__ = ()
    shape = None
    dtype = None

    def __len__(self) -> int:
        return len(self.value)


register_box(OutputsBox, Outputs)


def _zeros_like(x: Any) -> Any:
    return np.zeros(x.shape, x.dtype)


def _placed(g: Any, outputs: Any, k: int) -> Any:
    """Outputs like ``outputs``, with ``g`` at place ``k`` and zeros elsewhere."""
    parts = [_zeros_like(part) for part in unpack(outputs)]
    parts[k] = g
    return pack(*parts)


# no examples of its own: every primitive that returns Outputs tests it
item = primitive(lambda outputs, k: outputs[k], name="item")
pack = primitive(lambda *arrays: Outputs(arrays), name="pack", examples=lambda r: [case(r(2, 3), r(4)), case(r())])

defvjp(item, lambda g, ans, outputs, k: _placed(g, outputs, k))
defjvp(item, lambda g, ans, outputs, k: item(g, k))
defvjp_rest(pack, lambda argnum: lambda g, ans, *arrays: item(g, argnum))
defjvp_rest(pack, lambda argnum: lambda g, ans, *arrays: _placed(g, ans, argnum))


def unpack(outputs: Any) -> tuple[Any, ...]:
    """The arrays of ``outputs``, each as a separate value of the trace.

    >>> import ddtrain.numpy as dnp
    >>> from ddtrain import grad
    >>> both = primitive(lambda x: Outputs((np.sin(x), np.cos(x))), name="sin_and_cos")
    >>> defvjp(both, lambda g, ans, x: item(g, 0) * dnp.cos(x) - item(g, 1) * dnp.sin(x))
    >>> grad(lambda x: unpack(both(x))[1])(0.0)
    array(0.)
    """
    if type(outputs) in BOXES:
        return tuple(item(outputs, k) for k in range(len(outputs)))
    return tuple(outputs)
