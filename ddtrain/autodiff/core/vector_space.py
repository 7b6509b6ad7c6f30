"""The vector space that cotangents and tangents live in: adding two, and fitting one to another shape and dtype.

``match`` and ``spread`` are each other's transposes. Broadcasting an argument copies it, so its cotangent is the
sum over the copies; that is done here once, by the walker, and not in the rules.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.autodiff.core.boxes import BOXES
from ddtrain.autodiff.core.examples import case
from ddtrain.autodiff.core.primitives import primitive
from ddtrain.autodiff.core.rules import def_linear, defjvp, defjvp_rest, defvjp, defvjp_rest


def _accumulate(a: Any, b: Any) -> Any:
    return a + b  # arrays, or Outputs (see outputs.py)


def _match(g: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """Sum ``g`` over the axes that broadcasting added, keep the real part if ``dtype`` is real, and cast."""
    g = np.asarray(g)
    if g.shape != shape:
        lead = g.ndim - len(shape)
        if lead < 0 or any(n not in (1, m) for n, m in zip(shape, g.shape[lead:], strict=True)):
            raise ValueError(f"cotangent of shape {g.shape} does not fit a value of shape {shape}")
        stretched = tuple(i + lead for i, n in enumerate(shape) if n == 1 and g.shape[i + lead] != 1)
        g = g.sum(axis=(*range(lead), *stretched), keepdims=True).reshape(shape)
    if g.dtype != dtype:
        g = (g.real if g.dtype.kind == "c" and dtype.kind != "c" else g).astype(dtype)
    return g


def _spread(t: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """Broadcast ``t`` to ``shape`` in ``dtype``."""
    t = np.asarray(t)
    if t.dtype.kind == "c" and dtype.kind != "c":
        t = t.real
    return np.broadcast_to(t.astype(dtype, copy=False), shape)


def own(g: Any) -> Any:
    """``g`` itself if it is traced, or else a copy that the user may write to.

    A derivative may share memory with another one, with the given cotangent or with a constant of the function, or be
    one number broadcast; only sinks, which copy anyway, get it without a copy.
    """
    return g if type(g) in BOXES else np.array(g)


def _stack(shape: tuple[int, ...], *rows: Any) -> Any:
    """Equal arrays stacked along a new first axis, then given ``shape``."""
    return np.stack(rows).reshape(shape)


def _row(x: Any, k: int, n: int, shape: tuple[int, ...]) -> Any:
    """Row ``k`` of ``x`` seen as ``n`` rows of ``shape``."""
    return np.reshape(x, (n, *shape))[k]


def _place_row(g: Any, k: int, n: int, shape: tuple[int, ...]) -> Any:
    """Zeros of ``shape``, seen as ``n`` rows, with ``g`` as row ``k``."""
    out = np.zeros(shape, g.dtype)
    out.reshape(n, *g.shape)[k] = g
    return out


accumulate = primitive(_accumulate, name="accumulate", examples=lambda r: [case(r(3, 2), r(3, 2))])
match = primitive(
    _match,
    name="match",
    examples=lambda r: [case(r(4, 3, 2), (3, 1), np.dtype(float)), case(r(2), (), np.dtype(float))],
)
spread = primitive(_spread, name="spread", examples=lambda r: [case(r(3, 1), (4, 3, 2), np.dtype(float))])
stack = primitive(_stack, name="stack", examples=lambda r: [case((2, 3), r(3), r(3))])
row = primitive(_row, name="row", examples=lambda r: [case(r(2, 3), 1, 2, (3,))])
place_row = primitive(_place_row, name="place_row", examples=lambda r: [case(r(3), 1, 2, (2, 3))])

defvjp(accumulate, lambda g, ans, a, b: g, lambda g, ans, a, b: g)
defjvp(accumulate, lambda g, ans, a, b: g, lambda g, ans, a, b: g)
defvjp(match, lambda g, ans, x, shape, dtype: spread(g, x.shape, x.dtype))
defvjp(spread, lambda g, ans, x, shape, dtype: match(g, x.shape, x.dtype))
def_linear(match)
def_linear(spread)
defvjp_rest(stack, lambda argnum: lambda g, ans, shape, *rows: row(g, argnum - 1, len(rows), rows[0].shape))
defjvp_rest(stack, lambda argnum: lambda g, ans, shape, *rows: place_row(g, argnum - 1, len(rows), shape))
defvjp(row, lambda g, ans, x, k, n, shape: place_row(g, k, n, x.shape))
defvjp(place_row, lambda g, ans, x, k, n, shape: row(g, k, n, x.shape))
def_linear(row)
def_linear(place_row)
