"""Spelling numbers: none is in both sets, and a number is whole if all of its words are right."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.data.language.numerals import WORDS
from ddtrain.recipes.digits.to_words import DigitsToWords, Model, build, spelling


def test_no_number_is_in_both_sets() -> None:
    task = build(DigitsToWords(model=Model(most=999, samples=800)))
    assert task.valid is not None
    assert (len(task.train), len(task.valid)) == (800, 100)
    seen, held_out = ({row.tobytes() for row in of.batch(np.arange(len(of)))[0]} for of in (task.train, task.valid))
    assert seen.isdisjoint(held_out)


def test_there_are_no_more_samples_than_numbers() -> None:
    task = build(DigitsToWords(model=Model(most=89, samples=8192)))
    assert task.valid is not None
    assert len(task.train) + len(task.valid) == 90


def test_one_wrong_word_spoils_a_number() -> None:
    task = build(DigitsToWords(model=Model(samples=16)))
    digits, words, targets = task.train.batch(np.arange(3))
    right = np.eye(len(WORDS))[np.where(targets < 0, 0, targets)] * 20
    wrong = right.copy()
    wrong[1, 0] = 0  # of the second number the first word

    def says(scores: Any) -> Any:
        return lambda digits, words: scores

    assert spelling(says(right), digits, words, targets)[1]["whole"].tolist() == [1, 1, 1]
    losses, metrics = spelling(says(wrong), digits, words, targets)
    assert metrics["whole"].tolist() == [1, 0, 1]
    assert 0 < metrics["accuracy"][1] < 1
    assert losses[0] < 1e-3 < losses[1]
