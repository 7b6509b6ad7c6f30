"""Reductions along axes: sum, mean, variance, standard deviation, extremes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from numpy.typing import DTypeLike

from ddtrain.autodiff import Array, def_linear, defjvp, defvjp, primitive
from ddtrain.autodiff.core.examples import Case, Sampler, case
from ddtrain.numpy.elementwise.arithmetic import inverse_length
from ddtrain.numpy.elementwise.complex_numbers import conjugate, real
from ddtrain.numpy.manipulation.shapes import broadcast_to, reshape

__all__ = ["amax", "amin", "max", "mean", "min", "std", "sum", "var"]

Axis = int | Sequence[int] | None


def _examples(r: Sampler) -> list[Case]:
    return [
        case(r(2, 3)),
        case(r(2, 3), 0),
        case(r(2, 3, 4), axis=(0, -1)),
        case(r(2, 3, 4), axis=1, keepdims=True),
        case(r()),
    ]


def _kept(x: Any, axis: Axis) -> tuple[int, ...]:
    """The shape of ``x`` with length 1 along the reduced axes; a number may be reduced along axis 0, too."""
    axes = range(x.ndim) if axis is None or x.ndim == 0 else normalize_axis_tuple(axis, x.ndim)
    return tuple(1 if i in axes else extent for i, extent in enumerate(x.shape))


def spread(g: Any, x: Any, axis: Axis) -> Any:
    """A reduced array, copied along the reduced axes of ``x``."""
    return broadcast_to(g if axis is None else reshape(g, _kept(x, axis)), x.shape)


def _count(x: Any, axis: Axis) -> int:
    """How many entries are reduced to one."""
    return int(np.prod([n for n, kept in zip(x.shape, _kept(x, axis), strict=True) if kept == 1], dtype=np.int64))


# On small arrays, a ufunc's own reduction takes a third of the time of NumPy's function. What is not quite an
# array, such as a masked one, has methods that the function calls.


def _axes(axis: Axis) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


def if_kept(keepdims: bool) -> dict[str, bool]:
    """As keywords, which the methods of some do not have."""
    return {"keepdims": True} if keepdims else {}


def _sum(x: Array, axis: Axis = None, dtype: DTypeLike | None = None, *, keepdims: bool = False) -> Array:
    if type(x) is not np.ndarray:
        return np.sum(x, axis, dtype, **if_kept(keepdims))  # type: ignore[call-overload]
    return np.add.reduce(x, _axes(axis), dtype, keepdims=keepdims)  # type: ignore[call-overload]


def _mean(x: Array, axis: Axis = None, dtype: DTypeLike | None = None, *, keepdims: bool = False) -> Array:
    return np.mean(x, axis, dtype, **if_kept(keepdims))  # type: ignore[call-overload]


def _var(x: Array, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Array:
    return np.var(x, axis, ddof=ddof, **if_kept(keepdims))  # type: ignore[call-overload]


def _std(x: Array, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Array:
    return np.std(x, axis, ddof=ddof, **if_kept(keepdims))  # type: ignore[call-overload]


def _max(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    if type(x) is not np.ndarray:
        return np.max(x, axis, **if_kept(keepdims))  # type: ignore[call-overload]
    return np.maximum.reduce(x, _axes(axis), keepdims=keepdims)  # type: ignore[call-overload]


def _min(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    if type(x) is not np.ndarray:
        return np.min(x, axis, **if_kept(keepdims))  # type: ignore[call-overload]
    return np.minimum.reduce(x, _axes(axis), keepdims=keepdims)  # type: ignore[call-overload]


sum = primitive(_sum, name="sum", examples=_examples)
defvjp(sum, lambda g, ans, x, axis=None, dtype=None, keepdims=False: spread(g, x, axis))
def_linear(sum)

mean = primitive(_mean, name="mean", examples=_examples)
defvjp(mean, lambda g, ans, x, axis=None, dtype=None, keepdims=False: spread(g / _count(x, axis), x, axis))
def_linear(mean)


def _centred(x: Any, axis: Axis, ddof: float) -> Any:
    """d var / d x: 2 (x - mean) / (n - ddof), conjugated (Note [Complex cotangents]); NaN where NumPy's variance is."""
    left = _count(x, axis) - ddof
    return conjugate(x - mean(x, axis, keepdims=True)) * (2 / left if left > 0 else math.nan)


var = primitive(_var, name="var", examples=lambda r: [*_examples(r), case(r(4, 2), 0, ddof=1)])
defvjp(var, lambda g, ans, x, axis=None, ddof=0, keepdims=False: spread(g, x, axis) * _centred(x, axis, ddof))
defjvp(
    var,
    lambda g, ans, x, axis=None, ddof=0, keepdims=False: real(
        sum(g * _centred(x, axis, ddof), axis, keepdims=keepdims)
    ),
)


def _half_inverse(ans: Any, x: Any, axis: Axis) -> Any:
    """d sqrt(v) / d v at ans = sqrt(v); 0 for equal entries, where it has no derivative, and for single ones."""
    return 0.5 * inverse_length(ans) if _count(x, axis) > 1 else 0.0  # the deviation of a single entry is constantly 0


std = primitive(_std, name="std", examples=lambda r: [*_examples(r)[:-1], case(r(4, 2), 0, ddof=1)])
defvjp(
    std,
    lambda g, ans, x, axis=None, ddof=0, keepdims=False: (
        spread(g * _half_inverse(ans, x, axis), x, axis) * _centred(x, axis, ddof)
    ),
)
defjvp(
    std,
    lambda g, ans, x, axis=None, ddof=0, keepdims=False: (
        real(sum(g * _centred(x, axis, ddof), axis, keepdims=keepdims)) * _half_inverse(ans, x, axis)
    ),
)


def _share(ans: Any, x: Any, axis: Axis) -> Any:
    """1 at the one entry that is the extreme, 1/k at each of k tied ones, 0 elsewhere; in the dtype of ``x``."""
    tied = (x == spread(ans, x, axis)).astype(x.dtype)
    return tied / sum(tied, axis, keepdims=True)


def _extreme(prim: Any) -> None:
    defvjp(prim, lambda g, ans, x, axis=None, keepdims=False: spread(g, x, axis) * _share(ans, x, axis))
    defjvp(prim, lambda g, ans, x, axis=None, keepdims=False: sum(g * _share(ans, x, axis), axis, keepdims=keepdims))


def _spaced(r: Sampler) -> list[Case]:
    return [
        case(r.spaced(2, 3)),
        case(r.spaced(2, 3), 0),
        case(r.spaced(2, 3, 4), axis=(0, -1)),
        case(r.spaced(2, 3), 1, keepdims=True),
    ]


max = primitive(_max, name="max", examples=_spaced)
min = primitive(_min, name="min", examples=_spaced)
_extreme(max)
_extreme(min)
amax, amin = max, min
