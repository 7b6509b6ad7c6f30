"""Embedding's backward kernel against one addition at a time."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.kernels import embedding


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("n_rows", "shape"), [(5, (40,)), (1000, (30,)), (7, (3, 4, 2)), (3, (1,)), (4, (0,)), (1, (9,))]
)
def test_backward_adds_in_order_of_position(n_rows, shape, dtype):
    r = np.random.default_rng(0)
    indices, g = r.integers(0, n_rows, shape), r.standard_normal((*shape, 3)).astype(dtype)
    expected = np.zeros((n_rows, 3), dtype)
    for at in np.ndindex(shape):
        expected[indices[at]] += g[at]
    np.testing.assert_array_equal(embedding.backward(g, indices, n_rows), expected)  # to the bit: same order


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int32, np.int64])
def test_any_integers_are_indices(dtype):
    table, indices = np.arange(12.0).reshape(4, 3), np.array([3, 0, 3], dtype)
    np.testing.assert_array_equal(embedding.forward(table, indices), table[[3, 0, 3]])
    np.testing.assert_array_equal(embedding.backward(np.ones((3, 3)), indices, 4)[:, 0], [1, 0, 0, 2])
