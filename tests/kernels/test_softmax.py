"""Softmax and cross-entropy at the values where formulas break."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from ddtrain.kernels import softmax


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("offset", [0.0, 1e4, -1e4, 1e30])
def test_softmax_of_large_scores(dtype, offset):
    x = np.array([[0.0, 1.0, -3.0], [5.0, 5.0, 5.0]], dtype) + dtype(offset)
    assert x.dtype == dtype
    expected = special.softmax(x.astype(float), axis=1)
    np.testing.assert_allclose(softmax.softmax(x), expected, rtol=1e-6)
    np.testing.assert_allclose(softmax.log_softmax(x), special.log_softmax(x.astype(float), axis=1), rtol=1e-6)


def test_a_score_of_minus_infinity_has_no_probability():
    np.testing.assert_array_equal(softmax.softmax(np.array([0.0, -np.inf])), [1, 0])


def test_cross_entropy_of_an_impossible_label_is_finite_as_long_as_the_scores_are():
    losses, *_ = softmax.cross_entropy(np.array([[0.0, 1e4]]), np.array([0]))
    np.testing.assert_array_equal(losses, [1e4])
