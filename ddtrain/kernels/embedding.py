"""Embedding: rows of a table picked by index, and added back."""

# V rows of the table, E entries a row, M indices

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.seam import accelerated
from ddtrain.kernels.workspace import scratch

Array = NDArray[Any]


@accelerated
def forward(table_VE: Array, indices: NDArray[np.integer[Any]], out: Array | None = None) -> Array:
    """``table[indices]``, of shape (*indices.shape, E)."""
    return np.take(table_VE, indices, axis=0, out=out, mode="clip")  # mode="raise" would buffer `out`


@accelerated
def backward(
    g: Array,
    indices: NDArray[np.integer[Any]],
    n_rows: int,
    out: Array | None = None,
    padding_idx: int | None = None,
) -> Array:
    """The cotangent of the table: rows of g added up by index, each sum in order of position; 0 for ``padding_idx``.

    Rows are sorted by index, so that each table row is one run of neighbours and is written once. (NumPy's
    ``add.reduceat`` and ``add.at`` are ten times slower when runs are long.)

    >>> backward(np.array([[1.0], [2.0], [4.0]]), np.array([1, 0, 1]), 3)
    array([[2.],
           [5.],
           [0.]])
    """
    width = g.shape[-1]
    dtable_VE = np.zeros((n_rows, width), g.dtype) if out is None else out
    dtable_VE[...] = 0
    if indices.size == 0 or width == 0:
        return dtable_VE
    flat_M = indices.reshape(-1)
    order_M = np.argsort(flat_M, kind="stable")
    sorted_M = flat_M[order_M]
    rows = scratch("embedding.sorted", (indices.size, width), g.dtype)
    np.take(g.reshape(-1, width), order_M, axis=0, out=rows, mode="clip")
    edges = np.flatnonzero(np.concatenate(([True], sorted_M[1:] != sorted_M[:-1], [True])))
    starts, lengths = edges[:-1], np.diff(edges)
    single = starts[lengths == 1]
    dtable_VE[sorted_M[single]] = rows[single]
    several = starts[lengths > 1]
    for start, end, v in zip(several, several + lengths[lengths > 1], sorted_M[several]):
        np.add.reduce(rows[start:end], axis=0, out=dtable_VE[v])
    if padding_idx is not None:
        dtable_VE[padding_idx] = 0
    return dtable_VE
