"""Embedding: rows of a table; a row that is asked for twice has both gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import ops
from ddtrain.autodiff import check_grads, jvp, vjp

TABLE = np.random.default_rng(0).standard_normal((4, 3))


@pytest.mark.parametrize("indices", [np.array([1, 1, 0]), np.array([[3], [0]]), np.array(2), np.zeros((2, 0), int)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_rows_of_any_shape_and_integer_type(indices: Any, dtype: Any) -> None:
    y, pull = vjp(lambda table: ops.embedding(table, indices.astype(dtype)), TABLE)
    np.testing.assert_array_equal(y, TABLE[indices])
    g = np.random.default_rng(1).standard_normal(y.shape)
    expected = np.zeros_like(TABLE)
    np.add.at(expected, indices, g)
    np.testing.assert_allclose(pull(g)[0], expected, rtol=1e-14)


def test_float32_stays() -> None:
    y, pull = vjp(lambda table: ops.embedding(table, np.array([0, 2])), TABLE.astype(np.float32))
    assert y.dtype == pull(y)[0].dtype == np.float32


def test_it_is_linear_in_the_table() -> None:
    indices = np.array([1, 1, 3])
    np.testing.assert_array_equal(
        jvp(lambda t: ops.embedding(t, indices), (TABLE,), (2 * TABLE,))[1], 2 * TABLE[indices]
    )
    check_grads(lambda table: ops.embedding(table, indices) ** 2)(TABLE)


def test_a_table_with_gaps() -> None:
    wide = np.random.default_rng(2).standard_normal((4, 6))
    np.testing.assert_array_equal(ops.embedding(wide[:, ::2], np.array([3, 0])), wide[[3, 0], ::2])
