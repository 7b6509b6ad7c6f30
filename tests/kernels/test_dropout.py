"""Which units dropout keeps: at the ends of its rate, in both precisions, on average."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.kernels import dropout


@pytest.mark.parametrize(("rate", "expected"), [(0.0, [1, 1, 1]), (0.5, [0, 2, 2]), (1.0, [0, 0, 0])])
def test_dropout_at_the_ends_of_its_rate(rate, expected):
    kept = dropout.keep(np.array([0.0, 0.5, 0.99], np.float32), rate, np.dtype(np.float32))
    assert kept.dtype == np.float32
    np.testing.assert_array_equal(kept, expected)


def test_float32_and_float64_drop_the_same_units():
    # 24-bit draws, and rates that float32 rounds up and down
    draws = (np.arange(1 << 24, dtype=np.float32) / (1 << 24))[:: 1 << 3]
    for rate in (0.1, 0.3, 0.5, 0.7, draws[-5]):
        near = np.concatenate([draws, np.nextafter(np.float32(rate), [0, 1]), [np.float32(rate)]]).astype(np.float32)
        narrow = dropout.keep(near, float(rate), np.dtype(np.float32))
        wide = dropout.keep(near.astype(float), float(rate), np.dtype(float))
        np.testing.assert_array_equal(narrow > 0, wide > 0)


def test_dropout_keeps_the_mean():
    # 200,000 draws at rate 0.3: the mean of kept has standard deviation sqrt(0.3 / 0.7 / 200000) = 0.0015; 5 of them
    kept = dropout.keep(np.random.default_rng(0).random(200_000), 0.3, np.dtype(float))
    assert abs(kept.mean() - 1) < 0.0075
