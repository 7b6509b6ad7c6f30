"""Joining arrays and cutting them up: concatenate, the stacks, the splits, and ``array`` over traced entries."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index
from numpy.typing import DTypeLike

from ddtrain.autodiff import BOXES, defjvp_rest, defvjp_rest, primitive
from ddtrain.autodiff.examples import case
from ddtrain.numpy.shapes import atleast_1d, atleast_2d, expand_dims, ndim, ravel, shape


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


def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Any:
    """The arrays one after another along ``axis``; flattened first, for None."""
    return join(0, *[ravel(a) for a in arrays]) if axis is None else join(axis, *arrays)


def append(x: Any, values: Any, axis: int | None = None) -> Any:
    """``values`` after ``x`` along ``axis``."""
    return concatenate([x, values], axis)


def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    """Arrays of one shape along a new axis."""
    return join(axis, *[expand_dims(a, axis) for a in arrays])


def vstack(arrays: Sequence[Any]) -> Any:
    """The arrays as rows, one below another."""
    return concatenate([atleast_2d(a) for a in arrays])


def hstack(arrays: Sequence[Any]) -> Any:
    """The arrays side by side: along axis 1, or axis 0 if they have no other."""
    arrays = [atleast_1d(a) for a in arrays]
    return concatenate(arrays, 0 if ndim(arrays[0]) == 1 else 1)


def column_stack(arrays: Sequence[Any]) -> Any:
    """Vectors as the columns of a matrix; matrices side by side."""
    return concatenate([a if ndim(a) > 1 else expand_dims(ravel(a), 1) for a in arrays], 1)


def array_split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Any]:
    """``x`` cut along ``axis`` into that many nearly equal parts, or before each of the given indices."""
    extent = shape(x)[axis]
    if isinstance(indices_or_sections, int):
        lengths = map(len, np.array_split(np.arange(extent), indices_or_sections))
        ends = [0, *itertools.accumulate(lengths)]
    else:
        ends = [0, *indices_or_sections, extent]
    before = (slice(None),) * normalize_axis_index(axis, ndim(x))
    return [x[(*before, slice(start, end))] for start, end in itertools.pairwise(ends)]


def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Any]:
    """As :func:`array_split`, but the parts must be equal when a number of them is given."""
    if isinstance(indices_or_sections, int) and shape(x)[axis] % indices_or_sections:
        raise ValueError(
            f"split: {shape(x)[axis]} entries along axis {axis} do not make {indices_or_sections} equal parts"
        )
    return array_split(x, indices_or_sections, axis)


def vsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Any]:
    """:func:`split` along axis 0."""
    return split(x, indices_or_sections, 0)


def hsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Any]:
    """:func:`split` along axis 1, or axis 0 of a vector."""
    return split(x, indices_or_sections, 0 if ndim(x) == 1 else 1)


def _holds_box(x: Any) -> bool:
    return type(x) in BOXES or (isinstance(x, list | tuple) and any(map(_holds_box, x)))


def array(x: Any, dtype: DTypeLike | None = None) -> Any:
    """An array of numbers, arrays and traced values, nested in lists and tuples.

    >>> from ddtrain.autodiff import grad
    >>> grad(lambda t: array([t, 2 * t, 1.0]).sum())(5.0)
    array(3.)
    """
    if not _holds_box(x):
        return np.array(x, dtype)
    whole = x if type(x) in BOXES else stack([array(part) for part in x])
    return whole if dtype is None else whole.astype(dtype)


def asarray(x: Any, dtype: DTypeLike | None = None) -> Any:
    """:func:`array` without copying what is an array already."""
    return array(x, dtype) if _holds_box(x) else np.asarray(x, dtype)
