"""Counts of classes, and the weights by which all count alike."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain import ops
from ddtrain.data import class_counts, class_weights
from ddtrain.errors import DataError

LABELS = np.array([0, 2, 2, 1, 2, 2, 0])


def test_counts():
    assert class_counts(LABELS).tolist() == [2, 1, 4]
    assert class_counts(LABELS.astype(np.uint8), 5).tolist() == [2, 1, 4, 0, 0]
    assert class_counts(LABELS[:0], 2).tolist() == [0, 0]
    assert class_counts(LABELS[:0]).tolist() == []


def test_classes_count_alike_and_the_scale_stays():
    weights = class_weights(LABELS)
    np.testing.assert_allclose(weights * class_counts(LABELS), 7 / 3)
    assert weights[LABELS].mean() == pytest.approx(1, rel=1e-15)
    losses = ops.cross_entropy(np.zeros((7, 3)), LABELS, weights)
    assert losses.mean() == pytest.approx(np.log(3), rel=1e-14)
    assert sum(losses[LABELS == 1]) == pytest.approx(sum(losses[LABELS == 2]))


WRONG = {
    "class_counts: labels are an array of float64 and shape (7,)": lambda: class_counts(LABELS * 1.0),  # type: ignore[arg-type]
    "class_counts: labels are an array of int64 and shape (7, 1)": lambda: class_counts(LABELS[:, None]),
    "class_counts: label 2 is outside [0, 2) (4 of 7 are)": lambda: class_counts(LABELS, 2),
    "class_counts: label -1 is outside [0, K) (2 of 7 are)": lambda: class_counts(LABELS - 1),
    "class_weights: class 3 has no samples": lambda: class_weights(LABELS, 4),
    "class_weights: class 0 has no samples": lambda: class_weights(LABELS[:0]),
}


@pytest.mark.parametrize("message", WRONG)
def test_message(message):
    with pytest.raises(DataError) as error:
        WRONG[message]()
    assert error.value.message == message
    assert error.value.remedy
