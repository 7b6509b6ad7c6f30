"""Picking entries out of arrays and putting cotangents back: indexing, take, diagonals, triangles."""

from __future__ import annotations

import operator
from types import EllipsisType
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ddtrain.autodiff import BOXES, Array, def_linear, defvjp, primitive
from ddtrain.autodiff.core.examples import case
from ddtrain.numpy.manipulation.shapes import as_array, ndim, ravel, shape

__all__ = ["diag", "diagonal", "take", "take_along_axis", "tril", "triu"]

_UNIQUE = (int, slice, type(None), EllipsisType, np.integer)  # parts of an index that never name an entry twice


def _getitem(x: Any, index: Any) -> Any:
    return x[index]


def _place(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of ``shape`` with ``g`` added at ``index``: entries named twice receive both parts."""
    out = np.zeros(shape, g.dtype)
    parts = index if isinstance(index, tuple) else (index,)
    if all(isinstance(part, _UNIQUE) for part in parts):
        out[index] = g
    else:
        np.add.at(out, index, g)
    return out


getitem = primitive(
    _getitem,
    name="getitem",
    examples=lambda r: [
        case(r(3, 4), 1),
        case(r(3, 4), (slice(None, None, -2), 2)),
        case(r(3, 4), (Ellipsis, None, 0)),
        case(r(3, 4), np.array([0, 2, 2, -1])),
        case(r(3, 4), (np.array([[0], [2]]), np.array([1, 1]))),
        case(r(3, 4), r(3, 4) > 0),
        case(r(3, 4), (slice(1, 1),)),
        case(r(), ()),
    ],
)
place = primitive(
    _place, name="place", examples=lambda r: [case(r(2), (1, np.array([0, 0])), (3, 4)), case(r(4), 1, (3, 4))]
)
defvjp(getitem, lambda g, ans, x, index: place(g, index, x.shape))
defvjp(place, lambda g, ans, x, index, shape: getitem(g, index))
def_linear(getitem)
def_linear(place)


def _getitem_by_parts(x: Any, *parts: Any) -> Any:
    return x[parts]


def _place_by_parts(g: Any, shape: tuple[int, ...], *parts: Any) -> Any:
    """Zeros of ``shape`` with ``g`` added at the index of these parts."""
    return _place(g, parts, shape)


getitem_by_parts = primitive(
    _getitem_by_parts,
    name="getitem_by_parts",
    examples=lambda r: [
        case(r(3, 4), np.array([[0], [2]]), np.array([1, 1])),
        case(r(3, 4), slice(1, None), np.array([0, 0, 3])),
    ],
)
place_by_parts = primitive(
    _place_by_parts, name="place_by_parts", examples=lambda r: [case(r(2), (3, 4), 1, np.array([0, 0]))]
)
defvjp(getitem_by_parts, lambda g, ans, x, *parts: place_by_parts(g, x.shape, *parts))
defvjp(place_by_parts, lambda g, ans, x, shape, *parts: getitem_by_parts(g, *parts))
def_linear(getitem_by_parts)
def_linear(place_by_parts)


def item(x: Any, index: Any) -> Any:
    """``x[index]`` of a traced ``x``; where parts of an index are traced, too, they are arguments of their own.

    Only arguments are looked at for traces: a part within a tuple would be taken for a number of no consequence.
    """
    if type(index) is tuple:
        for part in index:
            if type(part) in BOXES:
                return getitem_by_parts(x, *index)
    return getitem(x, index)


def take(x: Array, indices: Array, axis: int | None = None) -> Array:
    """Entries of ``x`` along ``axis`` (of the flat array, for None) at ``indices``, which may repeat."""
    x = as_array(x)
    if axis is None:
        x, axis = ravel(x), 0
    return item(x, (slice(None),) * normalize_axis_index(axis, ndim(x)) + (as_array(indices),))


def take_along_axis(x: Array, indices: Array, axis: int | None = -1) -> Array:
    """Entries of ``x`` along ``axis`` at ``indices``, of as many dimensions as ``x``."""
    x = as_array(x)
    if axis is None:
        return item(ravel(x), (indices,))
    axis, n = normalize_axis_index(axis, ndim(x)), ndim(x)
    grid = [np.arange(extent).reshape((-1,) + (1,) * (n - 1 - i)) for i, extent in enumerate(shape(x))]
    return item(x, (*grid[:axis], as_array(indices), *grid[axis + 1 :]))


def _diagonal(x: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    return np.diagonal(x, offset, axis1, axis2)


def _place_diagonal(g: Any, shape: tuple[int, ...], offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Zeros of ``shape`` with ``g`` on a diagonal."""
    out = np.zeros(shape, g.dtype)
    # a Python integer, because NumPy's may overflow when its sign is changed
    k, offset = np.arange(g.shape[-1]), operator.index(offset)
    np.moveaxis(out, (axis1, axis2), (-2, -1))[..., k + max(0, -offset), k + max(0, offset)] = g
    return out


diagonal = primitive(_diagonal, name="diagonal", examples=lambda r: [case(r(3, 4)), case(r(2, 3, 4), -1, 2, 0)])
place_diagonal = primitive(
    _place_diagonal, name="place_diagonal", examples=lambda r: [case(r(3), (3, 4)), case(r(3, 2), (2, 3, 4), -1, 2, 0)]
)
defvjp(diagonal, lambda g, ans, x, offset=0, axis1=0, axis2=1: place_diagonal(g, x.shape, offset, axis1, axis2))
defvjp(place_diagonal, lambda g, ans, x, shape, offset=0, axis1=0, axis2=1: diagonal(g, offset, axis1, axis2))
def_linear(diagonal)
def_linear(place_diagonal)


def diag(x: Array, k: int = 0) -> Array:
    """The ``k``-th diagonal of a matrix, or the square matrix with the vector ``x`` on it."""
    x = as_array(x)
    if ndim(x) == 2:
        return diagonal(x, k)
    k = operator.index(k)
    n = shape(x)[0] + abs(k)
    return place_diagonal(x, (n, n), k)


triu = primitive(np.triu, examples=lambda r: [case(r(3, 4)), case(r(2, 3, 3), 1), case(r(3, 3), k=-1)])
defvjp(triu, lambda g, ans, x, k=0: triu(g, k))
def_linear(triu)

tril = primitive(np.tril, examples=lambda r: [case(r(3, 4)), case(r(2, 3, 3), 1), case(r(3, 3), k=-1)])
defvjp(tril, lambda g, ans, x, k=0: tril(g, k))
def_linear(tril)
