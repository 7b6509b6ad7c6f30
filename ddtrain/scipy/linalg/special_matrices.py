"""Matrices built from smaller things: block diagonals, Toeplitz matrices and their kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.numpy import asarray, atleast_2d, broadcast_to, concatenate, conj, flip, ravel, zeros
from ddtrain.scipy.linalg.stacks import over_stacks


def block_diag(*arrs: Any) -> Any:
    """The matrices ``arrs`` (vectors are rows), or stacks of them, along the diagonal, zeros elsewhere.

    >>> block_diag(np.ones((1, 2)), np.array([[3.0]]))
    array([[1., 1., 0.],
           [0., 0., 3.]])
    """
    blocks = [atleast_2d(a) for a in (arrs or (zeros((1, 0)),))]
    dtype = np.result_type(*[b.dtype for b in blocks])
    outer = np.broadcast_shapes(*[b.shape[:-2] for b in blocks])
    width, before, rows = sum(b.shape[-1] for b in blocks), 0, []
    for b in blocks:
        n, m = b.shape[-2:]
        left, right = (zeros((*outer, n, k), dtype) for k in (before, width - before - m))
        rows.append(concatenate([left, broadcast_to(b, (*outer, n, m)), right], -1))
        before += m
    return concatenate(rows, -2)


@over_stacks(c=1, r=1)
def toeplitz(c: Any, r: Any = None) -> Any:
    """The matrix with first column ``c`` and first row ``r`` (by default conj(c)), constant along its diagonals.

    >>> toeplitz(np.array([1.0, 2.0]), np.array([1.0, 3.0, 4.0]))
    array([[1., 3., 4.],
           [2., 1., 3.]])
    """
    c = ravel(c)
    r = conj(c) if r is None else ravel(r)
    n, m = c.shape[0], r.shape[0]
    return concatenate([flip(c), r[1:]])[np.arange(n)[::-1, None] + np.arange(m)]


@over_stacks(c=1)
def circulant(c: Any) -> Any:
    """The square matrix whose columns are ``c``, each moved down by one more.

    >>> circulant(np.array([1.0, 2.0, 3.0]))
    array([[1., 3., 2.],
           [2., 1., 3.],
           [3., 2., 1.]])
    """
    c = asarray(c)
    n = np.arange(c.shape[0])
    return c[(n[:, None] - n) % len(n)]
