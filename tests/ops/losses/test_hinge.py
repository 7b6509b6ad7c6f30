"""Hinge losses against their definitions, a sample at a time."""

from __future__ import annotations

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import ops
from ddtrain.autodiff import grad

R = onp.random.default_rng(0)
SCORES, LABELS = R.standard_normal((5, 4)), onp.array([0, 3, 1, 1, 2])


@pytest.mark.parametrize("margin", [1.0, 0.25])
def test_margins_that_are_violated(margin):
    terms = [[max(0, margin + s[k] - s[y]) for k in range(4) if k != y] for s, y in zip(SCORES, LABELS)]
    onp.testing.assert_allclose(ops.hinge(SCORES, LABELS, margin), [sum(t) for t in terms], rtol=1e-14)
    onp.testing.assert_allclose(ops.crammer_singer(SCORES, LABELS, margin), [max(t) for t in terms], rtol=1e-14)


def test_two_classes_are_the_binary_hinge_of_their_difference():
    labels = onp.array([0, 1, 1, 0, 1])
    two = onp.stack([-SCORES[:, 0], SCORES[:, 0]], axis=1) / 2
    binary = ops.binary_hinge(SCORES[:, 0], 2 * labels - 1)
    for loss in (ops.hinge, ops.crammer_singer):
        onp.testing.assert_allclose(loss(two, labels), binary, rtol=1e-14)


@pytest.mark.parametrize("loss", [ops.hinge, ops.crammer_singer])
def test_leading_axes_are_samples(loss):
    scores, labels = onp.repeat(SCORES, 2, 0), onp.repeat(LABELS, 2)
    nested = loss(scores.reshape(5, 2, 4), labels.reshape(5, 2))
    onp.testing.assert_array_equal(nested, loss(scores, labels).reshape(5, 2))


def test_a_right_class_that_leads_by_the_margin_has_no_gradient():
    scores, labels = onp.array([[3.0, 1.0, 2.0], [0.0, 1.0, 0.5]]), onp.array([0, 1])
    for loss, second in ((ops.hinge, [0, -1, 1]), (ops.crammer_singer, [0, -1, 1])):
        g = grad(lambda s, loss=loss: np.sum(loss(s, labels)))(scores)
        onp.testing.assert_array_equal(g, [[0, 0, 0], second])


def test_one_class_alone_costs_nothing():
    for loss in (ops.hinge, ops.crammer_singer):
        onp.testing.assert_array_equal(loss(onp.ones((2, 1)), onp.array([0, 0])), [0, 0])


def test_a_nan_among_the_scores_is_a_nan_of_the_loss() -> None:
    # PyTorch's multi_margin_loss counts it as 0, so that a model that has come apart would look perfect
    scores = onp.array([[onp.nan, 1.0, 0.0], [0.0, onp.nan, 0.0], [0.0, 1.0, 2.0]])
    for loss in (ops.hinge, ops.crammer_singer):
        assert onp.isnan(loss(scores, onp.array([1, 1, 2]))).tolist() == [True, True, False]
