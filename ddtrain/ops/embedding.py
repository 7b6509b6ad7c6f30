"""Embedding: rows of a table, as one step of a trace."""

# V rows of the table (the vocabulary), E entries a row

from __future__ import annotations

from typing import Any

from ddtrain.autodiff import fused
from ddtrain.autodiff.core.examples import case
from ddtrain.kernels import embedding as kernel
from ddtrain.ops.argument_checks import check_indices, check_rank


def _check(table: Any, indices: Any) -> None:
    check_rank("embedding", "table_VE", table, 2)
    remedy = f"The table has {table.shape[0]} rows: is the vocabulary larger?"
    check_indices("embedding", "index", "indices", indices, table.shape[0], remedy)


def _embedding(table: Any, indices: Any) -> Any:
    """The rows ``table[indices]``.

    Parameters
    ----------
    table : (V, E)
    indices : integers in [0, V), any shape

    Returns
    -------
    (*indices.shape, E)

    Raises
    ------
    ShapeError : an index outside [0, V), naming its position

    >>> import ddtrain.numpy as np
    >>> embedding(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 1, 0]))
    array([[3., 4.],
           [3., 4.],
           [1., 2.]])
    """
    _check(table, indices)
    return table[indices]


def _forward(table: Any, indices: Any) -> tuple[Any, Any]:
    _check(table, indices)
    return kernel.forward(table, indices), None


def _backward(needs: tuple[int, ...], g: Any, saved: Any, table: Any, indices: Any) -> list[Any]:
    return [kernel.backward(g, indices, table.shape[0])]


embedding = fused(
    _embedding,
    _forward,
    _backward,
    mixed=1,
    name="embedding",
    examples=lambda r: [case(r(4, 3), r.integers(4, 5)), case(r(3, 2), r.integers(3, 2, 3))],
)
