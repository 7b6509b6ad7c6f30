"""Blending into an average: the formula, in pieces and out of order in memory, and copies that are exact."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.kernels.updates.average_update import blend_
from ddtrain.kernels.updates.optimizer_update import PIECE


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [0, 1, 2 * PIECE + 3])
def test_is_the_formula_and_keeps_the_dtype(dtype: type, n: int) -> None:
    rng = np.random.default_rng(0)
    average, values = rng.normal(size=n).astype(dtype), rng.normal(size=n).astype(dtype)
    expected, before = 0.9 * average.astype(float) + 0.1 * values.astype(float), values.copy()
    blend_(average, values, 0.9)
    assert average.dtype == dtype
    np.testing.assert_allclose(average, expected, rtol=0, atol=4 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(values, before)


def test_strided_vectors() -> None:
    average, values = np.zeros(6), np.arange(6.0)
    blend_(average[::2], values[::-2], 0.5)
    np.testing.assert_array_equal(average, [2.5, 0, 1.5, 0, 0.5, 0])


def test_keeping_nothing_is_a_copy_bit_for_bit_whatever_was_there() -> None:
    average, values = np.array([np.nan, np.inf, 1.0]), np.array([1.1, -0.0, 1e-320])
    blend_(average, values, 0.0)
    assert average.tobytes() == values.tobytes()


def test_where_a_vector_is_cut_changes_no_bit() -> None:
    rng = np.random.default_rng(1)
    whole, values = rng.normal(size=1000).astype(np.float32), rng.normal(size=1000).astype(np.float32)
    cut = whole.copy()
    blend_(whole, values, 0.999)
    for span in (slice(0, 7), slice(7, 400), slice(400, 1000)):
        blend_(cut[span], values[span], 0.999)
    assert cut.tobytes() == whole.tobytes()
