"""Shapes, and what changes them: reshape, transpose, broadcast_to, flip, roll; each is linear, its own forward rule."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ddtrain.autodiff import Array, array_like, def_linear, defjvp, defvjp, primitive
from ddtrain.autodiff.core.array_lists import gather
from ddtrain.autodiff.core.examples import case

__all__ = ["broadcast_to", "flip", "ndim", "permute_dims", "ravel", "reshape", "roll", "shape", "size", "transpose"]

Axes = int | Sequence[int] | None


def shape(x: Array) -> tuple[int, ...]:
    """The shape of an array, traced or not."""
    return as_array(x).shape  # type: ignore[no-any-return]  # lists have no shape


def ndim(x: Array) -> int:
    """The number of axes of an array, traced or not."""
    return as_array(x).ndim  # type: ignore[no-any-return]


def as_array(x: Any) -> Any:
    """``x`` itself if it is an array, traced or not; of a list or a number, an array."""
    return x if hasattr(x, "shape") else gather(x)


def integers(n: Any) -> tuple[int, ...]:
    """One integer, or several, as a tuple of Python's: NumPy's scalars and arrays of no axes are integers, too.

    >>> integers(np.int64(2)), integers([2, np.array(3)])
    ((2,), (2, 3))
    """
    try:
        return (operator.index(n),)
    except TypeError:
        return tuple(operator.index(k) for k in n)


def is_integer(n: Any) -> bool:
    """Whether ``n`` is one integer, of any type, and not several or none."""
    return hasattr(n, "__index__") and np.ndim(n) == 0


def size(x: Array, axis: int | None = None) -> int:
    """The number of elements of an array, traced or not, or its extent along ``axis``."""
    return np.size(array_like(as_array(x)), axis)


def _reshape(x: Array, shape: Any, order: Any = "C") -> Array:
    return np.reshape(x, shape, order)


def _order(x: Any, order: Any) -> Any:
    """What order "A" means for ``x``, whose cotangents and tangents may lie otherwise in memory."""
    return order if order != "A" else "F" if np.isfortran(np.asarray(array_like(x))) else "C"


reshape = primitive(
    _reshape,
    name="reshape",
    examples=lambda r: [case(r(2, 6), (3, -1)), case(r(2, 3), 6, order="F"), case(r(), (1, 1))],
)
defvjp(reshape, lambda g, ans, x, shape, order="C": reshape(g, x.shape, _order(x, order)))
defjvp(reshape, lambda g, ans, x, shape, order="C": reshape(g, shape, _order(x, order)))

transpose = primitive(
    np.transpose, examples=lambda r: [case(r(2, 3, 4)), case(r(2, 3, 4), (1, 2, 0)), case(r(2, 3, 4), axes=(0, -1, 1))]
)
defvjp(transpose, lambda g, ans, x, axes=None: transpose(g, None if axes is None else _inverse(axes)))
def_linear(transpose)
permute_dims = transpose


def _inverse(axes: Sequence[int]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argsort([a % len(axes) for a in axes]))


_SMALL = 1 << 12  # entries; up to this size a copy is faster than NumPy's making of a view, which takes microseconds


def _broadcast_to(x: Array, shape: Any) -> Array:
    """``x`` in a larger shape, its entries repeated."""
    if isinstance(shape, tuple) and math.prod(shape) <= _SMALL:
        copy = np.empty(shape, np.asarray(x).dtype)
        copy[...] = x
        return copy
    return np.broadcast_to(x, shape)


broadcast = primitive(
    _broadcast_to,
    name="broadcast_to",
    examples=lambda r: [case(r(3), (2, 3)), case(r(2, 1, 3), (4, 2, 5, 3)), case(r(), (2,))],
)
defvjp(broadcast, lambda g, ans, x, shape: g)  # the backward walk sums over the broadcast axes
def_linear(broadcast)


def broadcast_to(array: Array, shape: Any) -> Array:
    """``array`` in a larger shape, its entries repeated; what users get, and of plain arrays a view, as NumPy's.

    >>> broadcast_to(np.array([1.0, 2.0]), (2, 2))
    array([[1., 2.],
           [1., 2.]])
    """
    return broadcast(array, shape if isinstance(shape, tuple) else integers(shape))


flip = primitive(np.flip, examples=lambda r: [case(r(2, 3)), case(r(2, 3), 1), case(r(2, 3, 4), axis=(0, 2))])
defvjp(flip, lambda g, ans, x, axis=None: flip(g, axis))
def_linear(flip)

roll = primitive(
    np.roll, examples=lambda r: [case(r(2, 3), 2), case(r(2, 3), 1, axis=1), case(r(2, 3), (1, -1), (0, 1))]
)
defvjp(roll, lambda g, ans, x, shift, axis=None: roll(g, tuple(-s for s in integers(shift)), axis))
def_linear(roll)


def ravel(x: Array, order: Any = "C") -> Array:
    """``x`` as one axis; ``order`` is that of :func:`reshape`, or "K" for that of memory.

    >>> ravel(np.array([[1, 2], [3, 4]]), order="F")
    array([1, 3, 2, 4])
    """
    if order != "K":
        return reshape(x, -1, order)
    x = as_array(x)
    strides = [abs(s) for s in np.asarray(array_like(x)).strides]
    return reshape(transpose(x, sorted(range(len(strides)), key=lambda i: -strides[i])), -1)


laid_out = primitive(lambda x, order: np.array(x, order=order), name="copy", examples=lambda r: [case(r(2, 3), "F")])
defvjp(laid_out, lambda g, ans, x, order: g)
def_linear(laid_out)


def in_memory_order(x: Any, order: Any) -> Any:
    """``x`` if it lies in memory in ``order``, else a copy that does: "C", "F", "A" for either, "K" for any."""
    flags = np.asarray(array_like(x)).flags
    lies = {"C": flags.c_contiguous, "F": flags.f_contiguous, "A": flags.forc, "K": True}
    if order is not None and order not in lies:
        raise ValueError(f"order is {order!r}, not one of C, F, A, K")
    return x if order is None or lies[order] else laid_out(x, order)
