"""Embedding: rows of a table, as one step of a trace."""

# V rows of the table (the vocabulary), E entries a row

from __future__ import annotations

from functools import wraps
from typing import Any

import ddtrain.numpy as np
from ddtrain.autodiff import Array, fused
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import ShapeError
from ddtrain.kernels import embedding as kernel
from ddtrain.ops.argument_checks import check_indices, check_rank
from ddtrain.ops.stop_gradient import stop_gradient


def _check(table: Any, indices: Any, padding_idx: int | None) -> None:
    check_rank("embedding", "table_VE", table, 2)
    if padding_idx is not None and not 0 <= padding_idx < table.shape[0]:
        raise ShapeError(f"embedding: padding_idx {padding_idx} is outside [0, {table.shape[0]})")
    remedy = f"The table has {table.shape[0]} rows: is the vocabulary larger?"
    check_indices("embedding", "index", "indices", indices, table.shape[0], remedy)


def _embedding(table: Array, indices: Array, padding_idx: int | None = None) -> Array:
    """The rows ``table[indices]``.

    Parameters
    ----------
    table : (V, E)
    indices : integers in [0, V), any shape
    padding_idx : an index whose row has no derivative, for the words that fill up short sentences

    Returns
    -------
    (*indices.shape, E)

    Raises
    ------
    ShapeError : an index outside [0, V), naming its position

    References
    ----------
    Bengio, Ducharme, Vincent, Jauvin (2003), "A neural probabilistic language model".

    >>> embedding(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 1, 0]))
    array([[3., 4.],
           [3., 4.],
           [1., 2.]])
    """
    rows = table[indices]
    if padding_idx is None:
        return rows
    return np.where((indices == padding_idx)[..., None], stop_gradient(rows), rows)


def _forward(table: Any, indices: Any, padding_idx: int | None = None) -> tuple[Any, Any]:
    return kernel.forward(table, indices), None


def _backward(
    needs: tuple[int, ...], g: Any, saved: Any, table: Any, indices: Any, padding_idx: int | None = None
) -> list[Any]:
    return [kernel.backward(g, indices, table.shape[0], padding_idx=padding_idx)]


_fused = fused(
    _embedding,
    _forward,
    _backward,
    mixed=1,
    name="embedding",
    examples=lambda r: [case(r(4, 3), r.integers(4, 5)), case(r(3, 2), r.integers(3, 2, 3))],
)


@wraps(_fused)  # and what it carries, such as compose
def embedding(table: Array, indices: Array, padding_idx: int | None = None) -> Array:
    _check(table, indices, padding_idx)
    return _fused(table, indices, padding_idx)
