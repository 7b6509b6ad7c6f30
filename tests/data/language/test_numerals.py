"""Numbers in words, read back by another rule; and as padded tokens."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.data import numerals, spell
from ddtrain.data.language.numerals import _SMALL, _TENS, END, MOST, START, WORDS
from ddtrain.errors import UsageError

VALUES = {word: k for k, word in enumerate(_SMALL)} | {word: 10 * k for k, word in enumerate(_TENS, start=2)}


def read(words: list[str]) -> int:
    total = part = 0
    for word in words:
        if word == "hundred":
            part *= 100
        elif word == "thousand":
            total, part = 1000 * part, 0
        elif word != "and":
            part += VALUES[word]
    return total + part


def test_every_number_can_be_read_back() -> None:
    for n in [*range(2_000), *range(9_990, 10_110), 99_999, 100_000, 100_001, 999_999]:
        assert read(spell(n)) == n


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (80, "eighty"),
        (100, "one hundred"),
        (101, "one hundred and one"),
        (1_100, "one thousand one hundred"),
        (20_017, "twenty thousand and seventeen"),
        (312_245, "three hundred and twelve thousand two hundred and forty five"),
    ],
)
def test_they_are_spelt_as_in_britain(n: int, words: str) -> None:
    assert " ".join(spell(n)) == words


@pytest.mark.parametrize("n", [-1, MOST + 1])
def test_other_numbers_are_refused(n: int) -> None:
    with pytest.raises(UsageError, match=rf"spell: {n} is not in \[0, 999999\]"):
        spell(n)


def test_targets_are_the_words_one_later_with_an_end() -> None:
    few = numerals(np.array([305, 4]))
    assert [WORDS[k] for k in few.words[0]] == [START, "three", "hundred", "and", "five"]
    assert [WORDS[k] for k in few.targets[0]] == ["three", "hundred", "and", "five", END]
    assert few.digits.tolist() == [[4, 1, 6], [5, 0, 0]]
    assert few.targets[1].tolist() == [WORDS.index("four"), WORDS.index(END), -1, -1, -1]
    assert [len(part) for part in numerals(np.empty(0, np.int64))] == [0, 0, 0]
