"""Forward mode: every box carries the tangent of its value, computed along with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ddtrain import tree
from ddtrain.autodiff.core.boxes import BOXES, Primitive, Trace, box
from ddtrain.autodiff.core.outputs import Outputs
from ddtrain.autodiff.core.rules import rule_of
from ddtrain.autodiff.core.vector_space import accumulate, spread


class Tangents(Trace):
    """The trace of forward mode: the node of a value is its tangent."""

    __slots__ = ()

    def process(
        self,
        prim: Primitive,
        ans: Any,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        argnums: Sequence[int],
        nodes: Sequence[Any],
    ) -> Any:
        tangent = None
        for i, g in zip(argnums, nodes, strict=True):
            rule = prim.jvps[i] if i in prim.jvps else rule_of(prim, i, "jvp")
            if rule is None:
                continue
            t = rule(g, ans, *args, **kwargs)
            if type(t) not in BOXES and type(t) is not Outputs:
                t = np.asarray(t)
            if t.shape != ans.shape or t.dtype != ans.dtype:
                t = spread(t, ans.shape, ans.dtype)
            tangent = t if tangent is None else accumulate(tangent, t)
        return tangent


def push_forward(fun: Callable[..., Any], leaves: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """``fun(*leaves)``, any structure of arrays, and its tangent along ``tangents``, in the same structure.

    >>> x, y = np.array(2.0), np.array(3.0)
    >>> value, tangent = push_forward(lambda x, y: x * y, [x, y], [np.array(1.0), np.array(0.0)])
    >>> float(value), float(tangent)
    (6.0, 3.0)
    """
    trace = Tangents()
    out = fun(*[box(leaf, trace, t) for leaf, t in zip(leaves, tangents, strict=True)])
    outs, rebuild = tree.flatten(out)
    pairs = [_split(o, trace) for o in outs]
    return rebuild([value for value, _ in pairs]), rebuild([tangent for _, tangent in pairs])


def _split(out: Any, trace: Trace) -> tuple[Any, Any]:
    if type(out) in BOXES:
        if out._trace is not trace:
            return out, np.zeros(out.shape, out.dtype)
        return out.value, out.node if type(out.node) in BOXES else np.asarray(out.node)
    out = np.asarray(out)
    return out, np.zeros_like(out)
