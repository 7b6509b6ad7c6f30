"""Compiled embedding against its reference, to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.kernels import embedding, native

pytestmark = pytest.mark.skipif(bool(native.lost()), reason="no compiled kernels here")


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("index", [np.int32, np.int64], ids=lambda dtype: dtype.__name__)
def test_many_shapes_give_the_very_sums_of_the_reference(dtype, index):
    r = np.random.default_rng(0)
    # not rows of one entry: NumPy's sum of those is pairwise, the twin's in order of position as of all others
    for rows, width, picked in [(v, e, m) for v in (1, 3, 500) for e in (2, 3, 8, 31, 64) for m in (0, 1, 7, 300)]:
        table = r.standard_normal((rows, width)).astype(dtype)
        indices = r.integers(0, rows, picked).astype(index)
        g = r.standard_normal((picked, width)).astype(dtype)
        padding = rows // 2
        for mine, reference in [
            (embedding.forward.twin(table, indices), embedding.forward.reference(table, indices)),
            (embedding.backward.twin(g, indices, rows), embedding.backward.reference(g, indices, rows)),
            (
                embedding.backward.twin(g, indices, rows, padding_idx=padding),
                embedding.backward.reference(g, indices, rows, padding_idx=padding),
            ),
        ]:
            np.testing.assert_array_equal(mine, reference)


def test_rows_of_one_entry_are_added_in_order_of_position():
    g, expected = np.random.default_rng(0).standard_normal((1000, 1)).astype(np.float32), np.float32(0)
    for (entry,) in g:
        expected += entry
    assert embedding.backward(g, np.zeros(1000, np.int64), 1)[0, 0] == expected


def test_what_was_in_out_is_gone():
    out = np.full((4, 3), np.nan)
    embedding.backward(np.ones((2, 3)), np.array([1, 1]), 4, out=out)
    np.testing.assert_array_equal(out[:, 0], [0, 2, 0, 0])


def test_an_index_outside_the_table_reads_and_writes_inside_it():
    table, indices = np.arange(12.0).reshape(4, 3), np.array([-5, 2**40])
    np.testing.assert_array_equal(embedding.forward.twin(table, indices), table[[0, 3]])
    np.testing.assert_array_equal(embedding.backward.twin(np.ones((2, 3)), indices, 4)[:, 0], [1, 0, 0, 1])
    embedding.backward.twin(np.ones((2, 3)), indices, 4, padding_idx=2**40)


def test_other_indices_layouts_and_shapes_are_left_to_the_reference():
    table = np.arange(12.0).reshape(4, 3)
    for indices in (np.array([1, 0, 3], np.uint8), np.arange(8)[::3]):
        assert embedding.forward.twin(table, indices) is NotImplemented
        assert embedding.backward.twin(np.ones((3, 3)), indices, 9) is NotImplemented
    assert embedding.backward.twin(np.ones((3, 3)), np.arange(4), 9) is NotImplemented
    assert embedding.forward.twin(np.ones((0, 3)), np.arange(4)) is NotImplemented
