"""Confusion matrices: counts, shares, and what is mixed up most."""

from __future__ import annotations

import numpy as np
import pytest
from pages import Page

from ddtrain.report.drawing.confusion import is_confusion, matrix, numbers
from ddtrain.report.drawing.markup import Markup


def text(made: Markup) -> str:
    return Page(f"<div>{made}</div>").text


def test_rows_are_what_samples_are() -> None:
    made = matrix("valid", np.array([[6, 2, 0], [0, 5, 0], [1, 3, 0]]), ["a", "b", "<c>"])
    told = text(made)
    assert "valid: 17 samples, 64.71% right" in told
    assert "a 6 2 0 75.0% b 0 5 0 100.0% <c> 1 3 0 0.0%" in told
    assert "most often <c> taken for b (3), a taken for b (2), <c> taken for a (1)" in told
    assert made.count("--share:25%") == 2, "2 of 8 and 1 of 4"


@pytest.mark.parametrize("counts", [np.zeros((2, 2), int), np.array([[3]]), np.diag([1, 2, 3])])
def test_where_nothing_is_wrong_or_nothing_is_there(counts: np.ndarray) -> None:
    assert "most often nothing wrong" in text(matrix("valid", counts))


def test_labels_must_fit() -> None:
    with pytest.raises(ValueError, match="3 labels for 2 classes"):
        matrix("valid", np.eye(2, dtype=int), ["a", "b", "c"])


def test_a_thousand_classes_are_summed_up() -> None:
    counts = np.diag(np.full(1000, 5))
    counts[17, 400] = 3
    made = matrix("valid", counts)
    assert len(made) < 1000
    assert "5003 samples" in text(made)
    assert "17 taken for 400 (3)" in text(made)


def test_other_arrays_are_no_confusion_matrices() -> None:
    for other in (np.ones(3, int), np.ones((2, 3), int), np.eye(2), -np.eye(2, dtype=int), np.zeros((0, 0), int)):
        assert not is_confusion(other)
    assert text(numbers("recall", np.array([0.75, 1.0]))) == "recall: 2 0 1 0 0.75 1"
    assert "2 × 3 × 4 numbers, too large" in text(numbers("cube", np.zeros((2, 3, 4))))
    assert "too large" in text(numbers("curve", np.zeros(1000)))
