"""Products and running sums along axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ddtrain.autodiff import BOXES, def_linear, defjvp, defvjp, primitive
from ddtrain.autodiff.examples import case
from ddtrain.numpy.joining import asarray, concatenate, stack
from ddtrain.numpy.reductions import Axis, spread, sum
from ddtrain.numpy.shapes import flip, moveaxis, ndim, ravel, reshape, shape


def _prod(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    return np.prod(x, axis, keepdims=keepdims)


def _product_of_others(x: Any) -> Any:
    """For each row the product of all other rows, by pairing them up: no division, so zeros do no harm."""
    n, half = x.shape[0], x.shape[0] // 2
    if n < 2:
        return np.ones(x.shape, x.dtype)
    left, right = x[: 2 * half : 2], x[1::2]
    outside = _product_of_others(concatenate([left * right, x[2 * half :]]))
    woven = stack([outside[:half] * right, outside[:half] * left], 1)
    return concatenate([reshape(woven, (2 * half, *x.shape[1:])), outside[half:]])


def _others(x: Any, axis: Axis) -> Any:
    """:func:`_product_of_others` within the entries that are reduced to one."""
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    front = moveaxis(x, axes, range(len(axes)))
    reduced, rest = front.shape[: len(axes)], front.shape[len(axes) :]
    others = _product_of_others(reshape(front, (math.prod(reduced), *rest)))
    return moveaxis(reshape(others, front.shape), range(len(axes)), axes)


prod = primitive(
    _prod,
    name="prod",
    examples=lambda r: [
        case(r(5)),
        case(r(2, 3), 0),
        case(r(2, 3, 2), axis=(0, -1)),
        case(r(2, 3), axis=1, keepdims=True),
        case(np.array([[0.0, 2.0, 3.0], [0.0, 0.0, 1.0]], r.dtype), 1),
    ],
)
defvjp(prod, lambda g, ans, x, axis=None, keepdims=False: spread(g, x, axis) * _others(x, axis))
defjvp(prod, lambda g, ans, x, axis=None, keepdims=False: sum(g * _others(x, axis), axis, keepdims=keepdims))


def _cumsum(x: Any, axis: int | None = None) -> Any:
    return np.cumsum(x, axis)


cumsum = primitive(
    _cumsum, name="cumsum", examples=lambda r: [case(r(2, 3)), case(r(2, 3), 1), case(r(2, 3, 4), axis=0)]
)
defvjp(cumsum, lambda g, ans, x, axis=None: reshape(flip(cumsum(flip(g, axis), axis), axis), x.shape))
def_linear(cumsum)


def cumprod(x: Any, axis: int | None = None) -> Any:
    """Running products along ``axis``; of the flat array, for None.

    Under a trace they are made by doubling, in log2(n) products of arrays: no division, so zeros do no harm.

    >>> cumprod(np.array([2.0, 0.0, 5.0]))
    array([2., 0., 0.])
    """
    if type(x) not in BOXES:
        return np.cumprod(x, axis)
    if axis is None:
        x, axis = ravel(x), 0
    before = (slice(None),) * normalize_axis_index(axis, ndim(x))
    n, step = shape(x)[axis], 1
    while step < n:  # each entry holds the product of up to ``step`` entries that end there
        x = concatenate([x[(*before, slice(step))], x[(*before, slice(step, None))] * x[(*before, slice(-step))]], axis)
        step *= 2
    return x


def _cumulative(scan: Any, first: float, x: Any, axis: int | None, include_initial: bool) -> Any:
    x = asarray(x)
    if axis is None:
        if ndim(x) > 1:
            raise ValueError(f"an array of shape {shape(x)} needs an axis")
        axis = 0
    axis = normalize_axis_index(axis, ndim(x))
    result = scan(x, axis)
    if not include_initial:
        return result
    edge = np.full(tuple(1 if i == axis else n for i, n in enumerate(shape(x))), first, x.dtype)
    return concatenate([edge, result], axis)


def cumulative_sum(x: Any, /, *, axis: int | None = None, include_initial: bool = False) -> Any:
    """Running sums along ``axis``, which only a vector may leave out; after a first 0 with ``include_initial``."""
    return _cumulative(cumsum, 0, x, axis, include_initial)


def cumulative_prod(x: Any, /, *, axis: int | None = None, include_initial: bool = False) -> Any:
    """Running products along ``axis``, which only a vector may leave out; after a first 1 with ``include_initial``."""
    return _cumulative(cumprod, 1, x, axis, include_initial)
