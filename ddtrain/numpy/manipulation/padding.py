"""Padding, axis by axis: each mode says what comes before and after along one axis of what is padded so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ddtrain.autodiff import Array, defjvp, defvjp, primitive, value_of
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import DerivativeError
from ddtrain.numpy.along_axes.quantiles import median
from ddtrain.numpy.along_axes.reductions import max, mean, min
from ddtrain.numpy.creation import linspace
from ddtrain.numpy.elementwise.casts import astype
from ddtrain.numpy.manipulation.axes import moveaxis
from ddtrain.numpy.manipulation.indexing import take
from ddtrain.numpy.manipulation.joining import asarray, concatenate
from ddtrain.numpy.manipulation.shapes import as_array, broadcast_to, flip, ndim, shape
from ddtrain.numpy.products.matrix_products import tensordot

__all__ = ["pad"]

Widths = tuple[tuple[int, int], ...]


def _pad_constant(x: Any, widths: Widths, value: float = 0.0) -> Any:
    return np.pad(x, widths, constant_values=value)


def _inside(widths: Widths, shape: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(before, before + extent) for (before, _), extent in zip(widths, shape, strict=True))


pad_constant = primitive(
    _pad_constant, name="pad", examples=lambda r: [case(r(3), ((1, 2),)), case(r(2, 3), ((0, 1), (2, 0)), 1.5)]
)
defvjp(pad_constant, lambda g, ans, x, widths, value=0.0: g[_inside(widths, x.shape)])
defjvp(pad_constant, lambda g, ans, x, widths, value=0.0: pad_constant(g, widths))


def _layer(x: Any, axis: int, start: int | None, stop: int | None) -> Any:
    return x[(slice(None),) * axis + (slice(start, stop),)]


def _beside(part: Any, x: Any, axis: int, width: int) -> Any:
    """``part`` repeated ``width`` times along ``axis``, in the dtype of ``x``."""
    return broadcast_to(astype(part, x.dtype), tuple(width if i == axis else n for i, n in enumerate(shape(x))))


def _constant(x: Any, axis: int, widths: tuple[int, int], values: Any) -> Any:
    before, after = (_beside(value, x, axis, width) for value, width in zip(values, widths, strict=True))
    return concatenate([before, x, after], axis)


def _statistic(of: Callable[..., Any]) -> Callable[..., Any]:
    """``of`` the outermost entries, as many as ``lengths`` says on each side, or all of them."""

    def padded(x: Any, axis: int, widths: tuple[int, int], lengths: Any) -> Any:
        first, last = (shape(x)[axis],) * 2 if lengths is None else np.minimum(lengths, shape(x)[axis]).tolist()
        before = of(_layer(x, axis, None, first), axis, keepdims=True)
        after = of(_layer(x, axis, shape(x)[axis] - last, None), axis, keepdims=True)
        return concatenate([_beside(before, x, axis, widths[0]), x, _beside(after, x, axis, widths[1])], axis)

    return padded


def _ramp(x: Any, axis: int, widths: tuple[int, int], ends: Any) -> Any:
    """Equal steps from the outermost entries to the ``ends``."""
    edges = (take(x, 0, axis), take(x, -1, axis))
    before, after = (
        astype(linspace(end, edge, width, endpoint=False, axis=axis), x.dtype)
        for end, edge, width in zip(ends, edges, widths, strict=True)
    )
    return concatenate([before, x, flip(after, axis)], axis)


def _copied(mode: Any) -> Callable[..., Any]:
    """Entries that are there already, in the order of NumPy's ``mode``."""
    return lambda x, axis, widths, _: take(x, np.pad(np.arange(shape(x)[axis]), widths, mode), axis)


def _odd(mode: Any) -> Callable[..., Any]:
    """Twice the outermost entry less the mirrored ones. It is linear: NumPy's padding of the identity is its matrix."""

    def padded(x: Any, axis: int, widths: tuple[int, int], _: None) -> Any:
        each = np.pad(np.eye(shape(x)[axis], dtype=x.dtype), (widths, (0, 0)), mode, reflect_type="odd")
        return moveaxis(tensordot(each, x, ([1], [axis])), 0, axis)

    return padded


_STATISTICS: dict[str, Callable[..., Any]] = {"maximum": max, "mean": mean, "median": median, "minimum": min}
_MODES: dict[str, Callable[..., Any]] = {
    "constant": _constant,
    "linear_ramp": _ramp,
    **{name: _statistic(of) for name, of in _STATISTICS.items()},
    **{name: _copied(name) for name in ("edge", "reflect", "symmetric", "wrap")},
}
_ODD = {name: _odd(name) for name in ("reflect", "symmetric")}


def pad(
    x: Array,
    pad_width: Any,
    mode: Any = "constant",
    *,
    constant_values: Any = 0,
    end_values: Any = 0,
    stat_length: Any = None,
    reflect_type: str = "even",
) -> Array:
    """``x`` with entries added around it, as NumPy's ``pad``.

    Parameters
    ----------
    pad_width : (before, after) for each axis; one pair or one number stands for all, a dictionary for some
    mode : "constant"; one that copies entries: "edge", "reflect", "symmetric", "wrap"; one that takes a statistic
        along an axis: "maximum", "mean", "median", "minimum"; "linear_ramp"; or "empty", which adds zeros
    constant_values, end_values : what "constant" adds and where "linear_ramp" ends, given as ``pad_width`` is
    stat_length : of how many outermost entries the statistic is taken; of all, for None
    reflect_type : "odd" for twice the outermost entry less the mirrored ones

    >>> pad(np.array([1.0, 2.0]), (1, 2))
    array([0., 1., 2., 0., 0.])
    >>> pad(np.array([1.0, 2.0]), 1, "mean")
    array([1.5, 1. , 2. , 1.5])
    """
    x = as_array(x)
    if callable(mode):
        raise DerivativeError(
            "pad: a function as mode writes into an array, which a trace cannot follow",
            remedy="Use np.concatenate of what it adds and the array.",
        )
    widths = _widths(pad_width, ndim(x))
    if mode == "empty" or (mode == "constant" and type(constant_values) in (int, float)):
        return pad_constant(x, widths, 0 if mode == "empty" else constant_values)
    if mode not in _MODES:
        raise ValueError(f"pad: mode is {mode!r}, not one of {', '.join(_MODES)}, empty")
    along = _ODD.get(mode, _MODES[mode]) if reflect_type == "odd" else _MODES[mode]
    given = {"constant": constant_values, "linear_ramp": end_values}.get(mode, stat_length)
    pairs = [None] * ndim(x) if given is None else broadcast_to(asarray(given), (ndim(x), 2))
    for axis, width in enumerate(widths):
        x = along(x, axis, width, pairs[axis])
    return x


def _widths(pad_width: Any, n: int) -> Widths:
    """(before, after) for each of ``n`` axes."""
    if isinstance(pad_width, dict):
        given = dict(pad_width)
        pad_width = [(0, 0)] * n
        for axis, width in given.items():
            pad_width[axis] = width if np.ndim(width) else (width, width)
    pairs = np.broadcast_to(value_of(pad_width), (n, 2)).tolist()
    return tuple((before, after) for before, after in pairs)
