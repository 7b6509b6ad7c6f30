"""Products of several matrices: powers of one, and chains in the order that costs least."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from ddtrain.autodiff import Array
from ddtrain.numpy.linalg.solves import inv
from ddtrain.numpy.manipulation.joining import asarray
from ddtrain.numpy.manipulation.shapes import broadcast_to, ndim, shape
from ddtrain.numpy.products.matrix_products import dot


def matrix_power(a: Array, n: int) -> Array:
    """The ``n``-th power of each matrix, of its inverse for negative ``n``, by repeated squaring.

    >>> matrix_power(np.array([[1.0, 1.0], [0.0, 1.0]]), -3)
    array([[ 1., -3.],
           [ 0.,  1.]])
    """
    a = asarray(a)
    if n == 0:
        return broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)
    if n < 0:
        a, n = inv(a), -n
    result = None
    while n:
        if n & 1:
            result = a if result is None else result @ a
        n >>= 1
        if n:
            a = a @ a
    return result


def multi_dot(arrays: Sequence[Array]) -> Array:
    """The product of all ``arrays``, matrices but for vectors at the ends, in the order of fewest multiplications.

    Raises
    ------
    ValueError : fewer than two arrays

    >>> multi_dot([np.ones(2), np.eye(2), np.ones(2)])
    np.float64(2.0)
    """
    if len(arrays) < 2:
        raise ValueError(f"multi_dot: a product needs two arrays, {len(arrays)} given")
    first, last = arrays[0], arrays[-1]
    rows = [1 if ndim(first) == 1 else shape(first)[0], *[shape(a)[0] for a in arrays[1:]]]
    extents = [*rows, 1 if ndim(last) == 1 else shape(last)[1]]

    @cache
    def cheapest(i: int, j: int) -> tuple[int, int]:
        """Multiplications in the product of arrays i to j, and where to cut it in two."""
        if i == j:
            return 0, i
        ways = ((k, extents[i] * extents[k + 1] * extents[j + 1]) for k in range(i, j))
        return min((cheapest(i, k)[0] + cheapest(k + 1, j)[0] + cost, k) for k, cost in ways)

    def product(i: int, j: int) -> Any:
        if i == j:
            return arrays[i]
        k = cheapest(i, j)[1]
        return dot(product(i, k), product(k + 1, j))

    return product(0, len(arrays) - 1)
