"""Right answers."""

from __future__ import annotations

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import ops
from ddtrain.autodiff import grad

R = onp.random.default_rng(0)
SCORES, LABELS = R.standard_normal((5, 4)), onp.array([0, 3, 1, 1, 2])


def test_correct_counts_the_first_of_equals_and_has_no_gradient():
    onp.testing.assert_array_equal(ops.correct(onp.array([[1.0, 1.0], [1.0, 1.0]]), onp.array([0, 1])), [1, 0])
    g = grad(lambda s: np.sum(s * 0.0) + np.sum(ops.correct(s, LABELS)))(SCORES)
    onp.testing.assert_array_equal(g, onp.zeros_like(SCORES))


def test_of_soft_targets_the_largest_counts():
    soft = onp.array([[0.6, 0.4, 0.0], [0.3, 0.3, 0.4]])
    scores = onp.array([[1.0, 0.0, 2.0], [0.0, 0.0, 1.0]])
    onp.testing.assert_array_equal(ops.correct(scores, soft), [0, 1])


@pytest.mark.parametrize("dtype", [onp.float32, onp.float64])
def test_no_samples_leading_axes_and_dtype(dtype):
    assert ops.correct(onp.zeros((0, 4), dtype), onp.zeros(0, int)).shape == (0,)
    assert ops.correct(onp.zeros((0, 4), dtype), onp.zeros((0, 4))).shape == (0,)
    assert ops.correct(SCORES.astype(dtype), LABELS).dtype == dtype
    nested = ops.correct(SCORES[:4].reshape(2, 2, 4), LABELS[:4].reshape(2, 2))
    onp.testing.assert_array_equal(nested, ops.correct(SCORES[:4], LABELS[:4]).reshape(2, 2))
