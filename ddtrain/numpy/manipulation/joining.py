"""Joining arrays and cutting them up: concatenate, the stacks, the splits, and ``array`` over traced entries."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index
from numpy.typing import DTypeLike

from ddtrain.autodiff import Array, defjvp_rest, defvjp_rest, primitive, value_of
from ddtrain.autodiff.core.array_lists import gather, holds_box
from ddtrain.autodiff.core.examples import case
from ddtrain.numpy.manipulation.axes import atleast_1d, atleast_2d, atleast_3d, expand_dims
from ddtrain.numpy.manipulation.shapes import as_array, in_memory_order, is_integer, ndim, ravel, reshape, shape

__all__ = [
    "append", "array", "array_split", "asanyarray", "asarray", "asarray_chkfinite", "ascontiguousarray",
    "asfortranarray", "block", "column_stack", "concat", "concatenate", "copy", "dsplit", "dstack", "hsplit", "hstack",
    "row_stack", "split", "stack", "vsplit", "vstack",
]  # fmt: skip


def _join(axis: int, *parts: Any) -> Any:
    return np.concatenate(parts, axis)


def _section(argnum: int, axis: int, parts: tuple[Any, ...]) -> tuple[slice, ...]:
    """Where part ``argnum - 1`` lies in the whole."""
    axis = normalize_axis_index(axis, parts[0].ndim)
    start = sum(np.shape(part)[axis] for part in parts[: argnum - 1])
    return (slice(None),) * axis + (slice(start, start + parts[argnum - 1].shape[axis]),)


def _embed(argnum: int) -> Any:
    def rule(g: Any, ans: Any, axis: int, *parts: Any) -> Any:
        others = [np.zeros(shape(part), g.dtype) for part in parts]
        return join(axis, *others[: argnum - 1], g, *others[argnum:])

    return rule


join = primitive(
    _join, name="concatenate", examples=lambda r: [case(0, r(2, 3), r(1, 3)), case(-1, r(2, 3), r(2, 0), r(2, 2))]
)
defvjp_rest(join, lambda argnum: lambda g, ans, axis, *parts: g[_section(argnum, axis, parts)])
defjvp_rest(join, _embed)


def concatenate(arrays: Sequence[Array], axis: int | None = 0) -> Array:
    """The arrays one after another along ``axis``; flattened first, for None."""
    parts = [as_array(a) for a in arrays]  # arrays, because the rules ask each part for its shape
    return join(0, *map(ravel, parts)) if axis is None else join(axis, *parts)


concat = concatenate


def append(x: Array, values: Array, axis: int | None = None) -> Array:
    """``values`` after ``x`` along ``axis``."""
    return concatenate([x, values], axis)


def stack(arrays: Sequence[Array], axis: int = 0) -> Array:
    """Arrays of one shape along a new axis."""
    return join(axis, *[expand_dims(a, axis) for a in arrays])


def vstack(arrays: Sequence[Array]) -> Array:
    """The arrays as rows, one below another."""
    return concatenate([atleast_2d(a) for a in arrays])


def hstack(arrays: Sequence[Array]) -> Array:
    """The arrays side by side: along axis 1, or axis 0 if they have no other."""
    arrays = [atleast_1d(a) for a in arrays]
    return concatenate(arrays, 0 if ndim(arrays[0]) == 1 else 1)


def column_stack(arrays: Sequence[Array]) -> Array:
    """Vectors as the columns of a matrix; matrices side by side."""
    return concatenate([a if ndim(a) > 1 else expand_dims(ravel(a), 1) for a in arrays], 1)


row_stack = vstack


def dstack(arrays: Sequence[Array]) -> Array:
    """The arrays one behind another, along axis 2."""
    return concatenate([atleast_3d(a) for a in arrays], 2)


def block(arrays: Array) -> Array:
    """An array put together of blocks in nested lists: the innermost along the last axis.

    >>> block([[np.eye(1), np.zeros((1, 2))], [np.ones((1, 3))]])
    array([[1., 0., 0.],
           [1., 1., 1.]])
    """
    depth = _depth(arrays)
    n = max([depth, *[ndim(leaf) for leaf in _leaves(arrays)]])
    return _assemble(arrays, -depth, n)


def _depth(x: Any) -> int:
    return 1 + max(map(_depth, x)) if isinstance(x, list) else 0


def _leaves(x: Any) -> list[Any]:
    return [leaf for part in x for leaf in _leaves(part)] if isinstance(x, list) else [x]


def _assemble(x: Any, axis: int, n: int) -> Any:
    if isinstance(x, list):
        return concatenate([_assemble(part, axis + 1, n) for part in x], axis)
    x = asarray(x)
    return reshape(x, (1,) * (n - ndim(x)) + shape(x))


def array_split(x: Array, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """``x`` cut along ``axis`` into that many nearly equal parts, or before each of the given indices."""
    x = asarray(x)
    extent = shape(x)[axis]
    if is_integer(indices_or_sections):
        lengths = map(len, np.array_split(np.arange(extent), indices_or_sections))
        ends = [0, *itertools.accumulate(lengths)]
    else:
        ends = [0, *indices_or_sections, extent]
    before = (slice(None),) * normalize_axis_index(axis, ndim(x))
    return [x[(*before, slice(start, end))] for start, end in itertools.pairwise(ends)]


def split(x: Array, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """As :func:`array_split`, but the parts must be equal when a number of them is given."""
    if is_integer(indices_or_sections) and shape(x)[axis] % indices_or_sections:
        raise ValueError(
            f"split: {shape(x)[axis]} entries along axis {axis} do not make {indices_or_sections} equal parts"
        )
    return array_split(x, indices_or_sections, axis)


def vsplit(x: Array, indices_or_sections: Any) -> list[Any]:
    """:func:`split` along axis 0."""
    return split(x, indices_or_sections, 0)


def hsplit(x: Array, indices_or_sections: Any) -> list[Any]:
    """:func:`split` along axis 1, or axis 0 of a vector."""
    return split(x, indices_or_sections, 0 if ndim(x) == 1 else 1)


def dsplit(x: Array, indices_or_sections: Any) -> list[Any]:
    """:func:`split` along axis 2."""
    return split(x, indices_or_sections, 2)


def array(x: Array, dtype: DTypeLike | None = None) -> Array:
    """An array of numbers, arrays and traced values, nested in lists and tuples.

    >>> from ddtrain.autodiff import grad
    >>> grad(lambda t: array([t, 2 * t, 1.0]).sum())(5.0)
    array(3.)
    """
    if not holds_box(x):
        return np.array(x, dtype)
    whole = gather(x)
    return whole if dtype is None else whole.astype(dtype)


def asarray(x: Array, dtype: DTypeLike | None = None) -> Array:
    """:func:`array` without copying what is an array already."""
    return array(x, dtype) if holds_box(x) else np.asarray(x, dtype)


asanyarray = asarray


def ascontiguousarray(x: Array, dtype: DTypeLike | None = None) -> Array:
    """:func:`asarray` in C order, with at least one axis."""
    return in_memory_order(atleast_1d(asarray(x, dtype)), "C") if holds_box(x) else np.ascontiguousarray(x, dtype)


def asfortranarray(x: Array, dtype: DTypeLike | None = None) -> Array:
    """:func:`asarray` in Fortran order, with at least one axis."""
    return in_memory_order(atleast_1d(asarray(x, dtype)), "F") if holds_box(x) else np.asfortranarray(x, dtype)


def copy(x: Array, order: Any = "K") -> Array:
    """A copy that lies in memory in ``order``; of a traced array, which is never written to, itself if it lies so."""
    return in_memory_order(array(x), order) if holds_box(x) else np.copy(x, order)


def asarray_chkfinite(x: Array, dtype: DTypeLike | None = None) -> Array:
    """:func:`asarray`, refusing NaN and infinities."""
    x = asarray(x, dtype)
    np.asarray_chkfinite(value_of(x))
    return x
