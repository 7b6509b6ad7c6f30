"""Compiled softmax and cross-entropy over many widths, and at NaN and odd labels."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.kernels import native, softmax

pytestmark = pytest.mark.skipif(bool(native.lost()), reason="no compiled kernels here")
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)


@every_dtype
def test_every_width_and_number_of_rows(dtype):
    # exact in float64 for float32; twins and references each have some roundings of the largest entry, of size 1
    r = np.random.default_rng(0)
    for rows, width in [(m, k) for k in (*range(1, 40), 64, 65, 127, 500) for m in (1, 2, 7, 16, 19)]:
        x = (3 * r.standard_normal((rows, width))).astype(dtype)
        g, labels = r.standard_normal((rows, width)).astype(dtype), r.integers(0, width, rows)
        y, log_y = softmax.softmax(x), softmax.log_softmax(x)
        losses, e, sums = softmax.cross_entropy(x, labels)
        pairs = [
            (y, softmax.softmax.reference(x)),
            (log_y, softmax.log_softmax.reference(x)),
            (softmax.softmax_backward(g, y), softmax.softmax_backward.reference(g, y)),
            (softmax.log_softmax_backward(g, log_y), softmax.log_softmax_backward.reference(g, log_y)),
            *zip((losses, e, sums), softmax.cross_entropy.reference(x, labels)),
            (
                softmax.cross_entropy_backward(g[:, 0].copy(), e, sums, labels),
                softmax.cross_entropy_backward.reference(g[:, 0], e, sums, labels),
            ),
        ]
        for mine, reference in pairs:
            scale = 8 * np.sqrt(width) * np.finfo(dtype).eps
            np.testing.assert_allclose(mine, reference, rtol=0, atol=scale * max(1, abs(reference).max()))
        np.testing.assert_allclose(y.sum(axis=1), 1, rtol=8 * np.finfo(dtype).eps)


@every_dtype
@pytest.mark.parametrize("width", [5, 100])
def test_a_row_with_nan_is_nan_all_over_and_no_other_row(dtype, width):
    x = np.random.default_rng(0).standard_normal((20, width)).astype(dtype)
    x[3, 2] = x[17, width - 1] = np.nan
    bad = np.isin(np.arange(20), (3, 17))
    labels = np.zeros(20, np.int64)
    losses, e, sums = softmax.cross_entropy(x, labels)
    dx = softmax.cross_entropy_backward(np.ones(20, dtype), e, sums, labels)
    np.testing.assert_array_equal(np.isnan(losses), bad)
    for y in (softmax.softmax(x), softmax.log_softmax(x), dx):
        np.testing.assert_array_equal(np.isnan(y).all(axis=1), bad)
        assert np.isfinite(y[~bad]).all()


@pytest.mark.parametrize("width", [5, 100])
def test_rows_do_not_depend_on_their_neighbours(width):
    # so that a shard of a batch has the same bits as the batch
    x = np.random.default_rng(0).standard_normal((21, width)).astype(np.float32)
    labels = np.arange(21) % width
    y, (losses, *_) = softmax.softmax(x), softmax.cross_entropy(x, labels)
    for part in (slice(0, 3), slice(3, 20), slice(20, 21)):
        np.testing.assert_array_equal(softmax.softmax(x[part]), y[part])
        np.testing.assert_array_equal(softmax.cross_entropy(x[part], labels[part])[0], losses[part])


@pytest.mark.parametrize("width", [5, 100])
def test_a_label_that_is_no_class_reads_and_writes_nothing(width):
    x = np.zeros((4, width))
    labels = np.array([0, -1, width, 2**62])
    losses, e, sums = softmax.cross_entropy(x, labels)
    np.testing.assert_array_equal(np.isnan(losses), [False, True, True, True])
    dx = softmax.cross_entropy_backward(np.ones(4), e, sums, labels)
    np.testing.assert_allclose(dx.sum(axis=1), [0, 1, 1, 1], atol=1e-12)


def test_other_axes_layouts_and_labels_are_left_to_the_reference():
    x, labels = np.ones((3, 4)), np.zeros(3, np.int32)
    assert softmax.softmax.twin(x, 0) is NotImplemented
    assert softmax.softmax.twin(x.T) is NotImplemented
    assert softmax.softmax_backward.twin(x, x, 0) is NotImplemented
    assert softmax.cross_entropy.twin(x, labels) is NotImplemented
    assert softmax.cross_entropy.twin(x, np.zeros(2, np.int64)) is NotImplemented
    np.testing.assert_array_equal(softmax.cross_entropy(x, labels)[0], softmax.cross_entropy(x, labels.astype(int))[0])
