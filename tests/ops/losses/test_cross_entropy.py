"""Cross-entropy against its definition, and what the trainer's mean makes of weights and ignored labels."""

from __future__ import annotations

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import ops
from ddtrain.autodiff import check_grads, grad
from ddtrain.ops.losses import CrossEntropy

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


@pytest.mark.parametrize(
    "options",
    [{}, {"weight": onp.array([1.0, 2.0, 0.0, 0.5])}, {"ignore_index": 1}, {"label_smoothing": 0.1}],
    ids=lambda o: next(iter(o), "plain"),
)
def test_leading_axes_are_samples(options):
    scores, labels = onp.repeat(SCORES, 2, 0), onp.repeat(LABELS, 2)
    flat = ops.cross_entropy(scores, labels, **options)
    nested = ops.cross_entropy(scores.reshape(5, 2, 4), labels.reshape(5, 2), **options)
    onp.testing.assert_array_equal(nested, flat.reshape(5, 2))


def test_soft_targets_of_one_class_are_its_label():
    one_hot = onp.eye(4)[LABELS]
    for targets in (one_hot, one_hot.astype(int), one_hot.astype(bool)):
        onp.testing.assert_allclose(ops.cross_entropy(SCORES, targets), ops.cross_entropy(SCORES, LABELS), rtol=1e-14)


def test_an_ignored_label_has_neither_loss_nor_gradient():
    losses = ops.cross_entropy(SCORES, LABELS, ignore_index=1)
    onp.testing.assert_array_equal(losses, onp.where(LABELS == 1, 0, ops.cross_entropy(SCORES, LABELS)))
    g = grad(lambda s: np.sum(ops.cross_entropy(s, LABELS, ignore_index=1)))(SCORES)
    assert (onp.abs(g).sum(1) > 0).tolist() == [True, True, False, False, True]


def test_pytorchs_mean_is_the_sum_over_the_weights_that_are_there():
    scores = 2 * onp.sin(1.3 * onp.arange(1, 21)).reshape(4, 5)
    labels, weight = onp.array([0, 3, -1, 4]), onp.array([0.5, 1.0, 2.0, 0.25, 3.0])
    losses = ops.cross_entropy(scores, labels, weight, ignore_index=-1)
    assert losses.sum() / (0.5 + 0.25 + 3.0) == pytest.approx(1.1301970758807254, rel=1e-14)  # PyTorch 2.13


def test_an_impossible_class_costs_nothing_where_it_has_no_probability():
    scores, soft = onp.array([[0.0, 0.0, -onp.inf]]), onp.array([[0.25, 0.75, 0.0]])
    assert ops.cross_entropy(scores, soft) == pytest.approx(onp.log(2))
    assert onp.isfinite(grad(lambda s: np.sum(ops.cross_entropy(s, soft)))(scores)).all()


def test_soft_targets_may_be_differentiated():
    def distilled(s, t):
        return ops.cross_entropy(s, ops.softmax(t), label_smoothing=0.1)

    check_grads(distilled, order=2)(SCORES, SCORES[::-1].copy())


def test_the_part_ignores_its_label_alone():
    labels = onp.array([0, 3, -100, 1, -1])
    with pytest.raises(ValueError, match="label -1 at position 4"):
        CrossEntropy()(SCORES, labels)
    onp.testing.assert_array_equal(
        CrossEntropy()(SCORES[:4], labels[:4]), ops.cross_entropy(SCORES[:4], labels[:4], ignore_index=-100)
    )
    assert CrossEntropy()(SCORES, onp.eye(4)[LABELS]).shape == (5,)
