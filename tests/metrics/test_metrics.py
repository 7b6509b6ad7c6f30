"""Figures of all samples, against scikit-learn's numbers of the same samples (scikit-learn 1.9.1), and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import metrics
from ddtrain.errors import ShapeError, UsageError

# scikit-learn's, of the samples of ``given``; ties occur, because scores have one decimal
CONFUSION = [[6, 1, 3, 0, 1], [1, 9, 3, 1, 2], [1, 1, 4, 1, 2], [4, 2, 1, 3, 3], [0, 1, 2, 3, 5]]
OF_CLASSES = {
    ("precision", "macro"): 0.4420329670329671,
    ("recall", "macro"): 0.447542735042735,
    ("f1", "macro"): 0.43755128929041964,
    **{(name, "micro"): 0.45 for name in ("precision", "recall", "f1")},
    ("precision", "binary"): 0.5384615384615384,
    ("recall", "binary"): 0.875,
    ("f1", "binary"): 0.6666666666666666,
}


def given() -> dict[str, Any]:
    r = np.random.default_rng(0)
    scores, labels = np.round(r.standard_normal((60, 5)), 1), r.integers(0, 5, 60)
    scores[np.arange(60), labels] += np.round(r.random(60) * 2, 1)
    one, yes = np.round(r.standard_normal(40), 1), (r.random(40) < 0.4).astype(int)
    one = np.round(one + yes, 1)
    y = r.standard_normal((30, 2))
    return {"many": (scores, labels), "binary": (one, yes), "numbers": (y + 0.5 * r.standard_normal((30, 2)), y)}


@pytest.mark.parametrize(("name", "average"), OF_CLASSES)
def test_figures_of_classes_are_those_of_scikit_learn(name: str, average: Any) -> None:
    outputs, targets = given()["binary" if average == "binary" else "many"]
    found = getattr(metrics, name)(outputs, targets, average)
    assert found == pytest.approx(OF_CLASSES[name, average], abs=1e-12)  # a dozen roundings of float64


def test_the_other_figures_are_those_of_scikit_learn() -> None:
    many, binary, numbers = given().values()
    assert metrics.confusion_matrix(*many).tolist() == CONFUSION
    assert metrics.auc(*binary) == pytest.approx(0.8307291666666667, abs=1e-12)
    assert metrics.auc(*many) == pytest.approx(0.7398420272984461, abs=1e-12)
    assert metrics.r2(*numbers) == pytest.approx(0.8126597971944087, abs=1e-12)
    assert metrics.top_k(*many, k=2) == pytest.approx(0.7, abs=1e-12)


@pytest.mark.parametrize("name", metrics.__all__)
def test_types_layouts_and_columns_of_one_make_no_difference(name: str) -> None:
    outputs, targets = given()["numbers" if name == "r2" else "many"]
    figure = getattr(metrics, name)
    wanted = figure(outputs, targets)
    np.testing.assert_allclose(figure(np.asfortranarray(outputs), targets), wanted, atol=1e-15)
    wide = np.repeat(outputs, 2, axis=0)[::2]
    np.testing.assert_allclose(figure(wide, targets), wanted, atol=1e-15)
    # eighths are numbers of float32, too: as far apart there, and as equal
    eighths = np.round(8 * outputs) / 8
    np.testing.assert_allclose(figure(eighths.astype(np.float32), targets), figure(eighths, targets), atol=1e-6)
    if name != "r2":
        np.testing.assert_allclose(figure(outputs, targets.astype(np.float64)[:, None]), wanted, atol=1e-15)


def test_a_score_for_no_and_one_for_yes_are_one_of_their_difference() -> None:
    one, yes = given()["binary"]
    two = np.stack([np.zeros(40), one], axis=1)
    for name in ("auc", "calibration_error", "confusion_matrix"):
        np.testing.assert_array_equal(getattr(metrics, name)(two, yes), getattr(metrics, name)(one, yes))
        np.testing.assert_array_equal(getattr(metrics, name)(one[:, None], yes), getattr(metrics, name)(one, yes))


def test_the_area_counts_pairs_and_half_of_ties() -> None:
    one, yes = given()["binary"]
    pairs = one[yes == 1][:, None] - one[yes == 0]
    assert metrics.auc(one, yes) == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean(), abs=1e-15)
    assert np.isnan(metrics.auc(one, np.ones(40)))
    assert metrics.auc(-one, yes) == pytest.approx(1 - metrics.auc(one, yes), abs=1e-15)
    assert np.isnan(metrics.auc(np.where(yes, np.nan, one), yes)), "a NaN is not the largest score"


def test_calibration_by_hand() -> None:
    sure = np.log([[0.9, 0.1]] * 10)
    assert metrics.calibration_error(sure, [0] * 9 + [1]) == pytest.approx(0.0, abs=1e-15)
    assert metrics.calibration_error(sure, [0] * 5 + [1] * 5) == pytest.approx(0.4, abs=1e-15)
    assert metrics.calibration_error(sure + 1000, [0] * 5 + [1] * 5) == pytest.approx(0.4, abs=1e-12)


def test_of_no_samples_there_is_no_figure() -> None:
    none = np.empty((0, 3)), np.empty(0, int)
    assert metrics.confusion_matrix(*none).tolist() == [[0] * 3] * 3
    for name in ("f1", "auc", "top_k", "calibration_error"):
        assert np.isnan(getattr(metrics, name)(*none)), name
    assert np.isnan(metrics.r2(np.empty(0), np.empty(0)))


def test_targets_that_do_not_vary() -> None:
    assert metrics.r2([1.0, 1.0], [1.0, 1.0]) == 1.0
    assert metrics.r2([1.0, 2.0], [1.0, 1.0]) == 0.0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: metrics.f1([0, 1], [0, 1, 1]), "f1: targets of shape|confusion_matrix: targets of shape"),
        (lambda: metrics.auc(np.ones((2, 2, 2)), [0, 1]), "auc: outputs of shape"),
        (lambda: metrics.auc([0.5, 0.2], [0.5, 1]), "a class is wanted for each of 2"),
        (lambda: metrics.r2([1.0], [1.0, 2.0]), "r2: outputs of shape"),
        (lambda: metrics.top_k([[1.0, 2.0]], [2], k=1), "class 2 where there are scores of 2 classes"),
        (lambda: metrics.top_k([[1.0, 2.0]], [1], k=0), "k is 0"),
        (lambda: metrics.f1([0, 1], [1, 0], average="macros"), "There are macro, micro, binary"),
        (lambda: metrics.f1([0, 2], [1, 0], average="binary"), "3 classes are not binary"),
        (lambda: metrics.calibration_error([[1.0, 2.0]], [1], bins=0), "0 bins"),
        (lambda: metrics.confusion_matrix([0, 3], [0, 1], classes=2), "class 3 where there are 2 classes"),
    ],
)
def test_mistakes_are_said(call: Any, said: str) -> None:
    with pytest.raises((ShapeError, UsageError), match=said):
        call()
