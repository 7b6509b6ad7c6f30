"""Batches are the rows asked for, in that order, and the transform is arithmetic that any split agrees on."""

import numpy as np
import pytest

from ddtrain.data import ArrayData, Normalize
from ddtrain.errors import DataError

X = np.arange(7 * 2 * 2 * 3, dtype=np.uint8).reshape(7, 2, 2, 3)


def test_rows_in_order_and_the_transform_on_the_first_array_alone():
    data = ArrayData(X, np.arange(7), transform=lambda x: x * 2.0)
    x, y = data.batch(np.array([5, 0, 5]))
    np.testing.assert_array_equal(x, X[[5, 0, 5]] * 2.0)
    np.testing.assert_array_equal(y, [5, 0, 5])
    assert len(data) == 7


def test_an_empty_shard_keeps_shapes_and_dtypes():
    x, y = ArrayData(X, np.arange(7), transform=Normalize(3, 2)).batch(np.array([], np.int64))
    assert x.shape == (0, 2, 2, 3)
    assert x.dtype == np.float32
    assert y.shape == (0,)


@pytest.mark.parametrize("arrays", [(), (X, np.arange(6)), (np.float64(1),)])
def test_arrays_of_one_length(arrays):
    with pytest.raises(DataError, match="expected arrays of one length"):
        ArrayData(*arrays)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, "float32", "float64"])
def test_normalize(dtype):
    mean, std = [1.5, 2.0, 40.0], [0.5, 1.0, 10.0]
    y = Normalize(mean, std, dtype)(X)
    assert y.dtype == np.dtype(dtype)
    # two roundings of numbers up to 168
    np.testing.assert_allclose(y, (X - np.array(mean)) / std, rtol=4 * np.finfo(dtype).eps, atol=0)
    np.testing.assert_array_equal(Normalize(mean, std, dtype)(X[3:]), y[3:])  # the same bits in any split
    strided = Normalize(mean, std, dtype)(X[::2, ::-1])
    np.testing.assert_array_equal(strided, y[::2, ::-1])


def test_normalize_gives_mean_0_and_variance_1():
    x = np.random.default_rng(0).integers(0, 256, (100, 5)).astype(np.uint8)
    y = Normalize(x.mean(), x.std(), np.float64)(x)
    assert abs(y.mean()) < 1e-12
    assert abs(y.std() - 1) < 1e-12
