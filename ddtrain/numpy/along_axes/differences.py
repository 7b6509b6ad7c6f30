"""Differences and sums between neighbours along an axis: diff, gradient, trapezoid, unwrap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ddtrain.autodiff import Array, nondifferentiable
from ddtrain.numpy.along_axes.reductions import sum
from ddtrain.numpy.elementwise.casts import fitting
from ddtrain.numpy.manipulation.joining import asarray, concatenate
from ddtrain.numpy.manipulation.shapes import broadcast_to, ndim, ravel, reshape, shape

__all__ = ["diff", "ediff1d", "gradient", "trapezoid", "unwrap"]


def _cut(x: Any, axis: int, start: int | None, stop: int | None) -> Any:
    return x[(slice(None),) * axis + (slice(start, stop),)]


def _steps(x: Any, axis: int) -> Any:
    return _cut(x, axis, 1, None) - _cut(x, axis, None, -1)


def _beside(edge: Any, x: Any, axis: int) -> Any:
    """One more entry beside ``x``: a number stands for a whole layer."""
    edge = asarray(edge)
    return edge if ndim(edge) else broadcast_to(edge, tuple(1 if i == axis else n for i, n in enumerate(shape(x))))


def diff(x: Array, n: int = 1, axis: int = -1, prepend: Array = None, append: Array = None) -> Array:
    """The ``n``-th differences along ``axis``, of ``x`` with ``prepend`` before it and ``append`` after it.

    >>> diff(np.array([1.0, 4.0, 9.0]), prepend=0.0)
    array([1., 3., 5.])
    """
    if n < 0:
        raise ValueError(f"diff: n is {n}; it counts how often to take differences")
    x = asarray(x)
    if n == 0:
        return x
    axis = normalize_axis_index(axis, ndim(x))
    if prepend is not None or append is not None:
        edges = [edge if edge is None else _beside(edge, x, axis) for edge in (prepend, append)]
        x = concatenate([part for part in (edges[0], x, edges[1]) if part is not None], axis)
    for _ in range(n):
        x = _steps(x, axis)
    return x


def ediff1d(x: Array, to_end: Array = None, to_begin: Array = None) -> Array:
    """The differences of the flat ``x``, with ``to_begin`` before them and ``to_end`` after them."""
    x = ravel(asarray(x))
    steps = _steps(x, 0)
    around = [part if part is None else fitting(ravel(asarray(part)), x) for part in (to_begin, to_end)]
    return concatenate([part for part in (around[0], steps, around[1]) if part is not None])


def trapezoid(y: Array, x: Array = None, dx: float = 1.0, axis: int = -1) -> Array:
    """The integral along ``axis`` of the straight lines between samples ``y`` at ``x``, or at steps of ``dx``.

    >>> trapezoid(np.array([0.0, 1.0, 4.0]), np.array([0.0, 1.0, 2.0]))
    np.float64(3.0)
    """
    y = asarray(y)
    axis = normalize_axis_index(axis, ndim(y))
    width = dx
    if x is not None:
        x = asarray(x)
        along = (-1,) + (1,) * (ndim(y) - 1 - axis)
        width = reshape(_steps(x, 0), along) if ndim(x) == 1 else _steps(x, normalize_axis_index(axis, ndim(x)))
    return sum(width * (_cut(y, axis, 1, None) + _cut(y, axis, None, -1)) / 2.0, axis)


def _slope(f: Any, step: Any, axis: int, edge_order: int) -> Any:
    """The derivative along one axis: central differences inside, one-sided ones at both edges."""
    n = shape(f)[axis]
    if n <= edge_order:
        raise ValueError(f"gradient: {n} samples along axis {axis}; edge_order={edge_order} needs {edge_order + 1}")
    left, here, right = _cut(f, axis, None, -2), _cut(f, axis, 1, -1), _cut(f, axis, 2, None)
    if ndim(step) == 0:
        inside = (right - left) / (2.0 * step)
        widths = [step] * (n - 1)
    else:
        if shape(step) != (n,):
            raise ValueError(f"gradient: coordinates of shape {shape(step)} for {n} samples along axis {axis}")
        steps = _steps(step, 0)
        widths = list(steps)
        steps = reshape(steps, (-1,) + (1,) * (ndim(f) - 1 - axis))
        before, after = steps[:-1], steps[1:]
        inside = (  # in NumPy's order of operations, so that it overflows where NumPy does
            -after / (before * (before + after)) * left
            + (after - before) / (before * after) * here
            + before / (after * (before + after)) * right
        )
    parts = [_cut(f, axis, k, k + 1) for k in range(edge_order + 1)]
    mirrored = [_cut(f, axis, n - 1 - k, n - k) for k in range(edge_order + 1)]
    first, last = _one_sided(parts, widths), _one_sided(mirrored, [-s for s in reversed(widths)])
    return concatenate([first, inside, last], axis)


def _one_sided(f: list[Any], h: list[Any]) -> Any:
    """The slope at the first of two or three samples, exact for a line or a parabola."""
    if len(f) == 2:
        return (f[1] - f[0]) / h[0]
    near, far = h[0], h[1]
    both = near + far
    return -(near + both) / (near * both) * f[0] + both / (near * far) * f[1] - near / (far * both) * f[2]


def gradient(f: Any, *varargs: Any, axis: int | Sequence[int] | None = None, edge_order: int = 1) -> Array:
    """The derivative of samples ``f`` along each axis, by differences of second order.

    Parameters
    ----------
    varargs : the spacing: one number for all axes, or for each axis a number or the coordinates; by default 1
    axis : one or several; all, for None
    edge_order : 1 or 2, the order of the differences at the edges

    Returns
    -------
    An array, or a tuple with one for each axis where there are several.

    >>> gradient(np.array([0.0, 1.0, 4.0, 9.0]))
    array([1., 2., 4., 5.])
    """
    f = asarray(f)
    axes = tuple(range(ndim(f))) if axis is None else normalize_axis_tuple(axis, ndim(f))
    spacing = varargs * len(axes) if len(varargs) == 1 and ndim(varargs[0]) == 0 else varargs or (1.0,) * len(axes)
    if len(spacing) != len(axes):
        raise TypeError(f"gradient: {len(spacing)} spacings for {len(axes)} axes")
    if edge_order not in (1, 2):
        raise ValueError(f"gradient: edge_order is {edge_order}, not 1 or 2")
    slopes = tuple(
        _slope(f, step if np.isscalar(step) else asarray(step), k, edge_order)
        for step, k in zip(spacing, axes, strict=True)
    )
    return slopes[0] if len(slopes) == 1 else slopes


def _turns(x: Any, discont: float | None, axis: int, period: float) -> Any:
    """What NumPy's unwrap adds to all but the first entries, of which it does not tell."""
    steps = np.diff(x, axis=axis)
    low, high = -period / 2, period / 2
    within = np.mod(steps - low, period) + low
    within = np.where((within == low) & (steps > 0), high, within)  # NumPy keeps a jump of exactly +period/2
    small = np.abs(steps) < (high if discont is None else discont)
    return np.cumsum(np.where(small, 0, within - steps).astype(steps.dtype), axis)


whole_turns = nondifferentiable(_turns, name="unwrap")


def unwrap(x: Array, discont: float | None = None, axis: int = -1, *, period: float = 2 * np.pi) -> Array:
    """Angles without jumps: multiples of ``period`` are added, so the derivative is one.

    >>> unwrap(np.array([0.0, 3.0, 6.0, 2.7])).round(2)
    array([0.  , 3.  , 6.  , 8.98])
    """
    x = asarray(x)
    x = x if x.dtype.kind in "fc" else x.astype(np.float64)
    axis = normalize_axis_index(axis, ndim(x))
    return concatenate([_cut(x, axis, None, 1), _cut(x, axis, 1, None) + whole_turns(x, discont, axis, period)], axis)
