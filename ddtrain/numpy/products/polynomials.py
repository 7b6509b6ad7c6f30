"""Polynomials by their coefficients, highest power first, as in NumPy's ``poly*``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ddtrain.autodiff import Array, value_of
from ddtrain.numpy.linalg.eigenvalues import eigvals
from ddtrain.numpy.linalg.least_squares import lstsq
from ddtrain.numpy.manipulation.axes import atleast_1d, expand_dims
from ddtrain.numpy.manipulation.joining import asarray, concatenate, stack
from ddtrain.numpy.manipulation.shapes import ndim, shape
from ddtrain.numpy.products.convolutions import convolve

__all__ = ["poly", "polyadd", "polyder", "polyfit", "polyint", "polymul", "polysub", "polyval", "roots", "vander"]


def vander(x: Array, N: int | None = None, increasing: bool = False) -> Array:
    """The matrix of powers of ``x``, ``N`` of them in each row.

    >>> vander(np.array([2.0, 3.0]), 3)
    array([[4., 2., 1.],
           [9., 3., 1.]])
    """
    x = asarray(x)
    x = x.astype(np.promote_types(x.dtype, int))
    n = shape(x)[0] if N is None else N
    powers = range(n) if increasing else range(n - 1, -1, -1)
    return stack([x**k for k in powers], 1) if n else np.zeros((shape(x)[0], 0), x.dtype)


def polyval(p: Array, x: Array) -> Array:
    """The polynomial with coefficients ``p`` at ``x``, by Horner's rule.

    >>> polyval(np.array([1.0, 0.0, 2.0]), 3.0)
    np.float64(11.0)
    """
    p, x = asarray(p), asarray(x)
    y: Any = np.zeros(shape(x), x.dtype)
    for k in range(shape(p)[0]):
        y = y * x + p[k]
    return y[()]


def polyadd(a: Array, b: Array) -> Array:
    """The coefficients of the sum."""
    a, b = atleast_1d(asarray(a)), atleast_1d(asarray(b))
    short = shape(b)[0] - shape(a)[0]
    if short:
        zeros = np.zeros(abs(short), bool)  # booleans, which every dtype can hold
        a, b = (concatenate([zeros, a]), b) if short > 0 else (a, concatenate([zeros, b]))
    return a + b


def polysub(a: Array, b: Array) -> Array:
    """The coefficients of the difference."""
    return polyadd(a, -asarray(b))


def polymul(a: Array, b: Array) -> Array:
    """The coefficients of the product.

    >>> polymul(np.array([1.0, 1.0]), np.array([1.0, -1.0]))
    array([ 1.,  0., -1.])
    """
    return convolve(_without_leading_zeros(a), _without_leading_zeros(b))


def _without_leading_zeros(p: Any) -> Any:
    p = atleast_1d(asarray(p))
    filled = np.flatnonzero(value_of(p))
    return p[filled[0] :] if filled.size else np.zeros(1, p.dtype)


def polyder(p: Array, m: int = 1) -> Array:
    """The coefficients of the ``m``-th derivative.

    >>> polyder(np.array([1.0, 1.0, 1.0]))
    array([2., 1.])
    """
    p = asarray(p)
    for _ in range(m):
        p = p[:-1] * np.arange(shape(p)[0] - 1, 0, -1)
    return p


def polyint(p: Array, m: int = 1, k: float | Sequence[float] = 0.0) -> Array:
    """The coefficients of the ``m``-th integral with constants ``k``, one for all or one for each.

    >>> polyint(np.array([2.0, 1.0]))
    array([1., 1., 0.])
    """
    p = asarray(p)
    for constant in np.broadcast_to(k, (m,)):
        p = concatenate([p / np.arange(shape(p)[0], 0, -1), constant[None]])
    return p


def poly(zeros: Array) -> Array:
    """The coefficients of the polynomial with the given zeros, or the characteristic one of a square matrix.

    >>> poly(np.array([1.0, 2.0]))
    array([ 1., -3.,  2.])
    """
    zeros = atleast_1d(asarray(zeros))
    if ndim(zeros) == 2:
        zeros = eigvals(zeros)
    known = value_of(zeros)
    if not known.size:
        return 1.0
    one = np.ones(1, np.result_type(known, np.float16))
    p: Any = one
    for k in range(shape(zeros)[0]):
        p = convolve(p, concatenate([one, -zeros[k : k + 1]]))
    in_pairs = known.dtype.kind == "c" and np.array_equal(np.sort(known), np.sort(known.conj()))
    return p.real if in_pairs else p


def roots(p: Array) -> Array:
    """The zeros of the polynomial with coefficients ``p``: the eigenvalues of its companion matrix.

    >>> roots(np.array([1.0, -3.0, 2.0]))
    array([2., 1.])
    """
    p = asarray(p)
    known = np.flatnonzero(value_of(p))
    if not known.size:
        return np.zeros(0)
    at_zero = shape(p)[0] - 1 - known[-1]
    p = p[known[0] : known[-1] + 1]
    n = shape(p)[0] - 1
    if n == 0:
        return np.zeros(at_zero)
    first = expand_dims(-p[1:] / p[0], 0)
    found = eigvals(concatenate([first, np.eye(n - 1, n, dtype=first.dtype)]))
    return concatenate([found, np.zeros(at_zero, found.dtype)]) if at_zero else found


def polyfit(x: Array, y: Array, deg: int, *, w: Array = None) -> Array:
    """The coefficients of the polynomial of degree ``deg`` through (x, y) in least squares, weighted by ``w``.

    >>> polyfit(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0]), 1).round(9)
    array([2., 1.])
    """
    x, y = asarray(x) + 0.0, asarray(y) + 0.0
    matrix = vander(x, deg + 1)
    if w is not None:
        w = asarray(w)
        matrix, y = matrix * expand_dims(w, 1), y * (w if ndim(y) == 1 else expand_dims(w, 1))
    scale = (matrix * matrix).sum(0) ** 0.5
    fit = lstsq(matrix / scale, y, shape(x)[0] * np.finfo(value_of(x).dtype).eps).x
    return fit / (scale if ndim(y) == 1 else expand_dims(scale, 1))
