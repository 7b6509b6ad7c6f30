"""Compiled dropout draws NumPy's numbers, whatever the shape and the counter."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain import rng
from ddtrain.kernels import dropout, native

pytestmark = pytest.mark.skipif(bool(native.lost()), reason="no compiled kernels here")


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)
def test_numbers_are_those_of_numpy_to_the_bit(dtype):
    r, dtype = np.random.default_rng(0), np.dtype(dtype)
    for _ in range(40):
        words = r.integers(0, 2**64, 6, dtype=np.uint64)
        words[2:] = np.where(r.random(4) < 0.5, words[2:], np.uint64(2**64 - 1 - int(r.integers(9))))  # carries
        rows, features = (int(n) for n in r.integers(0, 40, 2))
        mine = dropout.uniform.twin(words, rows, features, dtype)
        np.testing.assert_array_equal(mine, dropout.uniform.reference(words, rows, features, dtype))
        assert mine.dtype == dtype


def test_the_numbers_of_a_run_are_what_they_were_before_kernels_drew_them():
    # written down from the version that drew by numpy.random.Generator alone
    np.testing.assert_array_equal(
        rng.sample_uniform(1, "dropout/0", 2, 3, (2, 3)),
        np.random.Generator(_philox(1, "dropout/0", 2, 3)).random((2, 8), np.float32)[:, :3],
    )


def _philox(seed: int, purpose: str, step: int, first: int) -> np.random.Philox:
    key = np.array([seed, rng._purpose_key(purpose)], np.uint64)
    return np.random.Philox(key=key, counter=np.array([first, 0, step, 0], np.uint64))


def test_out_is_filled():
    out = np.full((3, 5), np.nan, np.float32)
    words = np.arange(6, dtype=np.uint64)
    assert dropout.uniform(words, 3, 5, out.dtype, out=out) is out
    np.testing.assert_array_equal(out, dropout.uniform(words, 3, 5, out.dtype))


def test_nan_is_not_dropped_and_a_number_equal_to_the_rate_stays():
    x, numbers = np.array([np.nan, 1.0, 1.0, np.nan]), np.array([0.0, 0.5, 0.25, 0.75], np.float32)
    np.testing.assert_array_equal(dropout.forward.twin(x, numbers, 0.5)[0], [np.nan, 2, 0, np.nan])


def test_numbers_of_another_dtype_layout_or_shape_are_left_to_the_reference():
    x, numbers = np.ones((4, 6), np.float32), np.zeros((4, 6), np.float32)
    for odd in (numbers.astype(float), np.zeros((6, 4), np.float32).T, np.broadcast_to(numbers[:1], (4, 6))):
        assert dropout.forward.twin(x, odd, 0.5) is NotImplemented
    assert dropout.forward.twin(x, numbers[:2], 0.5) is NotImplemented
