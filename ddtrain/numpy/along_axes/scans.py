"""Products and running sums along axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ddtrain.autodiff import Array, def_linear, defjvp, defvjp, primitive
from ddtrain.autodiff.core.examples import case
from ddtrain.numpy.along_axes.reductions import Axis, if_kept, spread, sum
from ddtrain.numpy.manipulation.axes import atleast_1d, moveaxis
from ddtrain.numpy.manipulation.joining import asarray, concatenate, stack
from ddtrain.numpy.manipulation.shapes import flip, ndim, ravel, reshape, shape

__all__ = ["cumprod", "cumsum", "cumulative_prod", "cumulative_sum", "prod"]


def _prod(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    return np.prod(x, axis, **if_kept(keepdims))  # type: ignore[call-overload]


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
    axes = tuple(range(x.ndim)) if axis is None or x.ndim == 0 else normalize_axis_tuple(axis, x.ndim)
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


def _cumsum(x: Array, axis: int | None = None) -> Array:
    return np.cumsum(x, axis)


cumsum = primitive(
    _cumsum, name="cumsum", examples=lambda r: [case(r(2, 3)), case(r(2, 3), 1), case(r(2, 3, 4), axis=0)]
)
defvjp(cumsum, lambda g, ans, x, axis=None: reshape(flip(cumsum(flip(g, axis), axis), axis), x.shape))
def_linear(cumsum)


def _cumprod(x: Array, axis: int | None = None) -> Array:
    return np.cumprod(x, axis)


def _recurrence(factors: Any, terms: Any) -> Any:
    """y of y[i] = factors[i] y[i - 1] + terms[i], y[-1] = 0: by doubling, in log2(n) steps, along the first axis.

    Nothing is divided by, so zeros do no harm.
    """
    n, step = shape(terms)[0], 1
    while step < n:  # terms[i] holds the part of y[i] that comes from terms i - step + 1 to i
        terms = concatenate([terms[:step], terms[step:] + factors[step:] * terms[:-step]])
        factors = concatenate([factors[:step], factors[step:] * factors[:-step]])
        step *= 2
    return terms


def _before(y: Any, first: float) -> Any:
    """``y`` moved by one place along the first axis, with ``first`` in the place that is free."""
    return concatenate([np.full((1, *y.shape[1:]), first, y.dtype), y[:-1]])


def _front(x: Any, axis: int | None, like: Any) -> Any:
    """``x`` in the shape of the running products ``like``, with ``axis`` in front."""
    return ravel(x) if axis is None else moveaxis(reshape(x, like.shape), axis, 0)


def _cumprod_vjp(g: Any, ans: Any, x: Any, axis: int | None = None) -> Any:
    """With c[i] the cotangent of product i and of those after it, c[i] = g[i] + x[i + 1] c[i + 1]."""
    if not x.size:
        return reshape(g, x.shape)
    g, ans, x_ = (_front(part, axis, ans) for part in (g, ans, x))
    c = flip(_recurrence(_before(flip(x_, 0), 1), flip(g, 0)), 0)
    of_x = c * _before(ans, 1)
    return reshape(of_x if axis is None else moveaxis(of_x, 0, axis), x.shape)


def _cumprod_jvp(g: Any, ans: Any, x: Any, axis: int | None = None) -> Any:
    """Product i is x[i] times product i - 1, and so is its tangent, plus that of x[i] times product i - 1."""
    if not x.size:
        return ravel(g) if axis is None else g
    products, x, g = (_front(part, axis, ans) for part in (ans, x, g))
    moved = _recurrence(x, g * _before(products, 1))
    return moved if axis is None else moveaxis(moved, 0, axis)


cumprod = primitive(
    _cumprod,
    name="cumprod",
    examples=lambda r: [
        case(r(2, 3)),
        case(r(2, 3), 1),
        case(r(3, 2, 2), axis=0),
        case(np.array([2.0, 0.0, 3.0, 0.0], r.dtype)),
        case(r()),
    ],
)
defvjp(cumprod, _cumprod_vjp)
defjvp(cumprod, _cumprod_jvp)


def _cumulative(scan: Any, first: float, x: Any, axis: int | None, include_initial: bool) -> Any:
    x = atleast_1d(asarray(x))
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


def cumulative_sum(x: Array, /, *, axis: int | None = None, include_initial: bool = False) -> Array:
    """Running sums along ``axis``, which only a vector may leave out; after a first 0 with ``include_initial``."""
    return _cumulative(cumsum, 0, x, axis, include_initial)


def cumulative_prod(x: Array, /, *, axis: int | None = None, include_initial: bool = False) -> Array:
    """Running products along ``axis``, which only a vector may leave out; after a first 1 with ``include_initial``."""
    return _cumulative(cumprod, 1, x, axis, include_initial)
