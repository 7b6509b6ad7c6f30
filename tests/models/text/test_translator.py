"""The encoder-decoder: no word sees later ones, all see the source, and padding of the source is not seen."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain import models

SOURCE = np.array([[3, 1, 4], [2, 2, 0]])
TARGET = np.array([[1, 2, 3, 4], [4, 3, 2, 1]])


@pytest.fixture
def bound() -> models.Translator:
    model = models.Translator(5, 7, d=8, layers=2, heads=2)
    return model.bind(model.init(0, np.float64))


@pytest.mark.parametrize("place", range(4))
def test_a_word_changes_its_own_and_later_predictions_alone(bound: models.Translator, place: int) -> None:
    changed = TARGET.copy()
    changed[:, place] = (changed[:, place] + 1) % 7
    before, after = bound(SOURCE, TARGET), bound(SOURCE, changed)
    np.testing.assert_array_equal(before[:, :place], after[:, :place])
    assert (np.abs(before - after)[:, place:] > 0).any(axis=-1).all()


@pytest.mark.parametrize("place", [0, 1])
def test_every_digit_of_the_source_changes_every_prediction(bound: models.Translator, place: int) -> None:
    changed = SOURCE.copy()
    changed[:, place] = changed[:, place] % 4 + 1
    assert (np.abs(bound(SOURCE, TARGET) - bound(changed, TARGET)) > 0).any(axis=-1).all()


def test_padding_of_the_source_changes_nothing(bound: models.Translator) -> None:
    padded = np.concatenate([SOURCE, np.zeros((2, 3), int)], axis=1)
    np.testing.assert_allclose(bound(padded, TARGET), bound(SOURCE, TARGET), rtol=1e-10)


def test_digits_in_another_order_are_another_number(bound: models.Translator) -> None:
    assert not np.allclose(bound(SOURCE[:, [1, 0, 2]], TARGET), bound(SOURCE, TARGET))


def test_without_samples_there_are_no_scores(bound: models.Translator) -> None:
    assert bound(SOURCE[:0], TARGET[:0]).shape == (0, 4, 7)
