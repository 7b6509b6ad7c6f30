"""Soft thresholding: its minimum, exact zeros, and numbers that are none."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.kernels.updates.soft_threshold import soft_threshold_


def shrunk(x: np.ndarray, threshold: float | np.ndarray) -> np.ndarray:
    x = x.copy()
    soft_threshold_(x, threshold, np.empty_like(x))
    return x


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("each", [False, True])
def test_is_the_formula_and_keeps_the_dtype(dtype: type, each: bool) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=1000).astype(dtype)
    threshold = rng.uniform(0, 2, size=1000).astype(dtype) if each else 0.5
    found = shrunk(x, threshold)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, np.sign(x) * np.maximum(np.abs(x) - threshold, 0), rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found == 0, np.abs(x) <= threshold)
    assert not np.signbit(found[found == 0]).any()


def test_minimises_the_penalty_and_the_distance() -> None:
    x, threshold, candidates = np.array([1.3, -0.2, -2.0]), 0.5, np.linspace(-3, 3, 6001)
    cost = threshold * np.abs(candidates) + (candidates - x[:, None]) ** 2 / 2
    np.testing.assert_allclose(shrunk(x, threshold), candidates[np.argmin(cost, axis=1)], atol=1e-3)


def test_a_threshold_of_zero_changes_nothing() -> None:
    x = np.array([-1e-300, 3.0, -np.inf, 0.0])
    np.testing.assert_array_equal(shrunk(x, 0.0), x)


def test_what_is_not_finite_stays_so() -> None:
    np.testing.assert_array_equal(shrunk(np.array([np.inf, -np.inf, np.nan]), 1.0), [np.inf, -np.inf, np.nan])


def test_no_entries() -> None:
    assert shrunk(np.empty(0), 1.0).size == 0
