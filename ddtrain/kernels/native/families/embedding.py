"""Embedding in C; see ``kernels/embedding.py`` for what it computes."""

# V rows of the table, E entries a row, M indices

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels import embedding
from ddtrain.kernels.native.layouts import contiguous, result
from ddtrain.kernels.native.library import Library
from ddtrain.kernels.native.twins import twin
from ddtrain.kernels.workspace import scratch

Array = NDArray[Any]
INDICES = (np.dtype(np.int64), np.dtype(np.int32))
library = Library("embedding", {"embedding_forward": "pppnnnn", "embedding_backward": "ppppnnnnn"})


def _indices(rows: int, *shape: int, dtype: Any = np.int64) -> Array:
    """Some of them often, some never."""
    return (np.arange(int(np.prod(shape))) ** 2 % 91 % rows).astype(dtype).reshape(shape)


def _forward(r: Any) -> list[tuple[Any, ...]]:
    return [
        (r(5, 3), _indices(5, 40)),
        (r(100, 33), _indices(100, 70, 2, dtype=np.int32)),
        (r(4, 8), _indices(4)),
        (r(4, 8), _indices(4, 0)),
        (r(4, 0), _indices(4, 3)),
    ]


def _backward(r: Any) -> list[tuple[Any, ...]]:
    cases = [(g.shape[0], i, r(*i.shape, g.shape[1])) for g, i in _forward(r)]
    return [*((g, i, rows) for rows, i, g in cases), (r(40, 3), _indices(5, 40), 5, None, 1)]


@twin(embedding.forward, library, "embedding_forward", examples=_forward, ulps=0)
def forward(table_VE: Array, indices: Array, out: Array | None = None) -> Any:
    function = library.function("embedding_forward", table_VE.dtype)
    if function is None or indices.dtype not in INDICES or not contiguous(table_VE, indices) or not len(table_VE):
        return NotImplemented
    rows, width = table_VE.shape
    y = result((*indices.shape, width), table_VE.dtype, out)
    function(table_VE, indices, y, rows, width, indices.size, indices.itemsize)
    return y


@twin(embedding.backward, library, "embedding_backward", examples=_backward, ulps=0)
def backward(g: Array, indices: Array, n_rows: int, out: Array | None = None, padding_idx: int | None = None) -> Any:
    function = library.function("embedding_backward", g.dtype)
    if function is None or indices.dtype not in INDICES or not contiguous(g, indices) or not n_rows:
        return NotImplemented
    width = g.shape[-1]
    if g.shape[:-1] != indices.shape:
        return NotImplemented
    dtable_VE = result((n_rows, width), g.dtype, out)
    met = scratch("embedding.met", (n_rows,), np.uint8)
    padding = -1 if padding_idx is None else padding_idx
    function(g, indices, dtable_VE, met, n_rows, width, indices.size, indices.itemsize, padding)
    return dtable_VE
