"""Averages with weights, ranges, covariances."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ddtrain.autodiff import Array, def_linear, defvjp, primitive, value_of
from ddtrain.autodiff.core.examples import case
from ddtrain.numpy.along_axes.reductions import Axis, max, mean, min, sum
from ddtrain.numpy.elementwise.arithmetic import sqrt
from ddtrain.numpy.elementwise.comparisons import occurrences
from ddtrain.numpy.manipulation.axes import atleast_2d, expand_dims, matrix_transpose
from ddtrain.numpy.manipulation.indexing import diagonal
from ddtrain.numpy.manipulation.joining import asarray, concatenate
from ddtrain.numpy.manipulation.shapes import broadcast_to, integers, is_integer, ndim, reshape, shape

__all__ = ["average", "bincount", "corrcoef", "cov", "ptp"]

weighted_bincount = primitive(
    lambda weights, x, minlength: np.bincount(x, weights, minlength),
    name="weighted_bincount",
    examples=lambda r: [case(r(4), np.array([0, 2, 2, 1]), 0), case(r(3), np.array([1, 0, 1]), 5)],
)
defvjp(weighted_bincount, lambda g, ans, weights, x, minlength: g[x])
def_linear(weighted_bincount)


def bincount(x: Array, weights: Array = None, minlength: int = 0) -> Array:
    """How often each of 0, 1, 2 ... occurs in ``x``, or the sum of the weights at its occurrences.

    >>> bincount(np.array([0, 1, 1]), np.array([0.5, 1.0, 2.0]))
    array([0.5, 3. ])
    """
    x = value_of(x)
    return occurrences(x, None, minlength) if weights is None else weighted_bincount(weights, x, minlength)


def ptp(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """The range from the smallest entry to the largest.

    >>> ptp(np.array([1.0, 5.0, 3.0]))
    np.float64(4.0)
    """
    return max(x, axis, keepdims=keepdims) - min(x, axis, keepdims=keepdims)


def average(
    x: Array, axis: Axis = None, weights: Array = None, returned: bool = False, *, keepdims: bool = False
) -> Array:
    """The mean along ``axis``, weighted by ``weights`` in the shape of ``x``, or a vector along the one axis.

    Parameters
    ----------
    returned : also return the sum of the weights

    >>> average(np.array([1.0, 3.0]), weights=np.array([3.0, 1.0]))
    np.float64(1.5)
    """
    x = asarray(x)
    if weights is None:
        result = mean(x, axis, keepdims=keepdims)
        count = x.size / np.maximum(1, np.size(result))
        return (result, np.full(shape(result), count, result.dtype)) if returned else result
    w = asarray(weights)
    if shape(w) != shape(x):
        along = integers(axis)[0] if is_integer(axis) else None
        if along is None or shape(w) != (shape(x)[along],):
            raise ValueError(f"average: weights {shape(w)} fit neither {shape(x)} nor its axis {axis}")
        w = reshape(w, (-1,) + (1,) * (ndim(x) - 1 - along % ndim(x)))
        w = broadcast_to(w, shape(x))
    total = sum(w, axis, keepdims=keepdims)
    if np.any(total == 0):
        raise ZeroDivisionError("average: weights add up to zero")
    result = sum(x * w, axis, keepdims=keepdims) / total
    return (result, total) if returned else result


def cov(
    m: Array,
    y: Array = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Array = None,
    aweights: Array = None,
    *,
    dtype: DTypeLike | None = None,
) -> Array:
    """The covariances of variables, one a row of ``m`` (a column, unless ``rowvar``), with those of ``y`` after them.

    Parameters
    ----------
    bias, ddof : divide by the number of observations less ``ddof``, by default 0 with ``bias`` and 1 without
    fweights, aweights : how often each observation was made, and its weight
    dtype : of the result, by default double precision

    >>> cov(np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    x = _variables(m, rowvar)
    if y is not None:
        x = concatenate([x, _variables(y, rowvar)])
    x = x.astype(np.result_type(x.dtype, np.float64) if dtype is None else dtype)
    less = (0 if bias else 1) if ddof is None else ddof
    w: Any = None
    for part in (fweights, aweights):
        if part is not None:
            w = asarray(part) if w is None else w * asarray(part)
    if w is None:
        total: Any = float(shape(x)[1])
        centred = x - mean(x, 1, keepdims=True)
        weighted, count = centred, total - less
    else:
        total = sum(w)
        centred = x - expand_dims(average(x, 1, w), 1)
        weighted = centred * w
        count = total - less * (1.0 if aweights is None else sum(w * asarray(aweights)) / total)
    count = count if value_of(count) > 0 else 0.0  # with too few observations, dividing by 0 gives NaN, as in NumPy
    return (weighted @ matrix_transpose(centred).conj() / count).squeeze()[()]


def _variables(m: Any, rowvar: bool) -> Any:
    m = asarray(m)
    x = atleast_2d(m)
    return matrix_transpose(x) if not rowvar and ndim(m) != 1 else x


def corrcoef(x: Array, y: Array = None, rowvar: bool = True, *, dtype: DTypeLike | None = None) -> Array:
    """The covariances as parts of the standard deviations, in [-1, 1] in spite of rounding.

    >>> corrcoef(np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    c = cov(x, y, rowvar, dtype=dtype)
    if ndim(c) == 0:
        return c / c
    deviation = sqrt(diagonal(c).real)
    c = c / expand_dims(deviation, 1) / deviation
    known = np.asarray(value_of(c))
    if known.dtype.kind == "c":
        return c + (np.clip(known.real, -1, 1) - known.real) + 1j * (np.clip(known.imag, -1, 1) - known.imag)
    return c + (np.clip(known, -1, 1) - known)  # the value is clipped as in NumPy, and the derivative ignores the clip
