"""Losses as classifiers': labels become what each compares scores with, and what fits no classifier is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import ops
from ddtrain.autodiff import check_grads
from ddtrain.errors import ShapeError, UsageError
from ddtrain.ops.losses import LOSSES, Loss, classifier_loss, classifier_losses

R = np.random.default_rng(0)
SCORES = R.standard_normal((5, 4)) * 2
LABELS = np.array([3, 0, 1, 1, 2])
ONE_HOT = np.eye(4)[LABELS]
EXPECTED = {  # by their formulas, not by the functions that the parts call
    "cross_entropy": np.log(np.exp(SCORES).sum(1)) - SCORES[np.arange(5), LABELS],
    "kl_divergence": np.log(np.exp(SCORES).sum(1)) - SCORES[np.arange(5), LABELS],
    "squared": ((SCORES - ONE_HOT) ** 2).mean(1),
    "absolute": abs(SCORES - ONE_HOT).mean(1),
    "huber": np.where(abs(SCORES - ONE_HOT) < 1, (SCORES - ONE_HOT) ** 2 / 2, abs(SCORES - ONE_HOT) - 0.5).mean(1),
    "binary_cross_entropy": np.log1p(np.exp(-SCORES * (2 * ONE_HOT - 1))).mean(1),
    "logistic": np.log1p(np.exp(-SCORES * (2 * ONE_HOT - 1))).mean(1),
    "binary_hinge": np.maximum(0, 1 - SCORES * (2 * ONE_HOT - 1)).mean(1),
    "hinge": (np.maximum(0, 1 + SCORES - SCORES[np.arange(5), LABELS][:, None]) * (1 - ONE_HOT)).sum(1),
    "crammer_singer": (np.maximum(0, 1 + SCORES - SCORES[np.arange(5), LABELS][:, None]) * (1 - ONE_HOT)).max(1),
}


def test_every_loss_is_a_classifiers_or_is_refused() -> None:
    assert set(classifier_losses()) == set(EXPECTED)
    for name in set(LOSSES) - set(EXPECTED):
        with pytest.raises(UsageError, match=rf"--loss.name {name} compares several outputs.*\n  Give cross_entropy, "):
            classifier_loss(Loss(name=name), SCORES, LABELS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", EXPECTED)
def test_labels_are_compared_as_the_loss_does_it(name: str, dtype: Any) -> None:
    losses = classifier_loss(Loss(name=name), SCORES.astype(dtype), LABELS)
    assert losses.dtype == dtype
    # sums of four terms of size 10 at most: some units in the last place
    np.testing.assert_allclose(losses, EXPECTED[name], rtol=1e-5 if dtype == np.float32 else 1e-12, atol=1e-6)
    assert classifier_loss(Loss(name=name), SCORES[:0], LABELS[:0]).shape == (0,)


@pytest.mark.parametrize("name", EXPECTED)
def test_derivatives(name: str) -> None:
    check_grads(lambda scores: classifier_loss(Loss(name=name), scores, LABELS), modes=["rev"], order=1)(SCORES)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_label_outside_the_classes(name: str) -> None:
    with pytest.raises(ShapeError, match="label 4 at position 1 is outside"):
        classifier_loss(Loss(name=name), SCORES, np.array([0, 4, 1, 1, 2]))


@pytest.mark.parametrize("name", EXPECTED)
def test_soft_targets_where_they_have_a_meaning(name: str) -> None:
    soft = 0.75 * ONE_HOT + 0.25 * np.eye(4)[[0, 1, 2, 3, 0]]
    if name in ("hinge", "crammer_singer", "logistic", "binary_hinge"):
        with pytest.raises(ShapeError):
            classifier_loss(Loss(name=name), SCORES, soft)
    else:
        losses = classifier_loss(Loss(name=name), SCORES, soft)
        np.testing.assert_array_equal(losses, Loss(name=name)(SCORES, soft))


def test_options_of_a_loss_are_its_own() -> None:
    found = classifier_loss(Loss(name="hinge", margin=3.0), SCORES, LABELS)
    np.testing.assert_array_equal(found, ops.hinge(SCORES, LABELS, margin=3.0))
