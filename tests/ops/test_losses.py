"""Losses against their definitions, a sample at a time."""

from __future__ import annotations

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import ops
from ddtrain.autodiff import check_grads, grad

R = onp.random.default_rng(0)
SCORES, LABELS = R.standard_normal((5, 4)), onp.array([0, 3, 1, 1, 2])


def test_cross_entropy_is_minus_the_log_probability():
    p = onp.exp(SCORES) / onp.exp(SCORES).sum(1, keepdims=True)
    onp.testing.assert_allclose(ops.cross_entropy(SCORES, LABELS), -onp.log(p[range(5), LABELS]), rtol=1e-14)


def test_cross_entropy_weights_each_sample():
    weights = onp.array([0.0, 1.0, 2.0, 0.0, 0.5])
    g = grad(lambda s: np.sum(weights * ops.cross_entropy(s, LABELS)))(SCORES)
    p = onp.exp(SCORES) / onp.exp(SCORES).sum(1, keepdims=True)
    onp.testing.assert_allclose(g, weights[:, None] * (p - onp.eye(4)[LABELS]), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("loss", [ops.cross_entropy, ops.hinge, ops.correct])
def test_leading_axes_are_samples(loss):
    flat = loss(onp.repeat(SCORES, 2, 0), onp.repeat(LABELS, 2))
    onp.testing.assert_array_equal(
        loss(onp.repeat(SCORES, 2, 0).reshape(5, 2, 4), onp.repeat(LABELS, 2).reshape(5, 2)), flat.reshape(5, 2)
    )


@pytest.mark.parametrize("loss", [ops.cross_entropy, ops.hinge, ops.correct])
@pytest.mark.parametrize("dtype", [onp.float32, onp.float64])
def test_no_samples_and_dtype(loss, dtype):
    assert loss(onp.zeros((0, 4), dtype), onp.zeros(0, int)).shape == (0,)
    assert loss(SCORES.astype(dtype), LABELS).dtype == dtype
    assert grad(lambda s: np.sum(ops.hinge(s, LABELS)))(SCORES.astype(dtype)).dtype == dtype


def test_hinge_sums_the_margins_that_are_violated():
    expected = [sum(max(0, 1 + s[k] - s[y]) for k in range(4) if k != y) for s, y in zip(SCORES, LABELS)]
    onp.testing.assert_allclose(ops.hinge(SCORES, LABELS), expected, rtol=1e-14)
    check_grads(lambda s: ops.hinge(s, LABELS), order=2)(SCORES)


def test_squared_error_is_the_mean_over_features():
    a, b = R.standard_normal((2, 5, 3, 2))
    onp.testing.assert_allclose(ops.squared_error(a, b), ((a - b) ** 2).mean((1, 2)), rtol=1e-14)
    onp.testing.assert_allclose(ops.squared_error(a[:, 0, 0], b[:, 0, 0]), (a[:, 0, 0] - b[:, 0, 0]) ** 2)
    check_grads(ops.squared_error, order=2)(a, b)


def test_correct_counts_the_first_of_equals_and_has_no_gradient():
    onp.testing.assert_array_equal(ops.correct(onp.array([[1.0, 1.0], [1.0, 1.0]]), onp.array([0, 1])), [1, 0])
    g = grad(lambda s: np.sum(s * 0.0) + np.sum(ops.correct(s, LABELS)))(SCORES)
    onp.testing.assert_array_equal(g, onp.zeros_like(SCORES))


def test_a_nan_among_the_scores_is_a_nan_of_the_loss() -> None:
    # PyTorch's multi_margin_loss counts it as 0, so that a model that has come apart would look perfect
    scores = onp.array([[onp.nan, 1.0, 0.0], [0.0, onp.nan, 0.0], [0.0, 1.0, 2.0]])
    assert onp.isnan(ops.hinge(scores, onp.array([1, 1, 2]))).tolist() == [True, True, False]
