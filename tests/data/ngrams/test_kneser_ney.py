"""Kneser-Ney against numbers counted by hand, and on the example that it was made for: San Francisco."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.data import Additive, KneserNey, Vocabulary, corpus, plays, windows
from ddtrain.errors import UsageError

# Chen and Goodman's example: Francisco is frequent, but stands after San alone; glasses stand after many words
TEXT = "san francisco . " * 6 + "my glasses . your glasses . her glasses . reading glasses . i see san francisco . "


def test_a_word_with_one_predecessor_is_unlikely_elsewhere() -> None:
    words = TEXT.split()
    vocabulary = Vocabulary(words)
    text = vocabulary.encode(words)
    francisco, glasses, his = vocabulary.encode(["francisco", "glasses", "his"])
    contexts = np.array([[his], [his]])
    kneser_ney = KneserNey([text], len(vocabulary), order=2).probability(contexts, np.array([francisco, glasses]))
    unigram = Additive([text], len(vocabulary), order=1).probability(contexts, np.array([francisco, glasses]))
    assert unigram[0] > unigram[1], "francisco is more frequent"
    assert kneser_ney[1] > 2 * kneser_ney[0], "but follows one word alone"


def test_order_two_by_hand() -> None:
    """1 2 1 3 1 2: pairs 12 twice, 21, 13, 31; D = 0.5, V = 4.

    Before 1 stand 2 and 3, before 2 and 3 stands 1 alone: 4 different pairs of 3 words. So
    p(1) = 1.5/4 + 0.5 · 3/4 / 4, p(2) = p(3) = 0.5/4 + 0.5 · 3/4 / 4, p(0) = 0.5 · 3/4 / 4.
    """
    model = KneserNey([np.array([1, 2, 1, 3, 1, 2])], vocabulary=4, order=2, discount=0.5)
    rest = 0.5 * 3 / 4 / 4
    p1, p2, p0 = 1.5 / 4 + rest, 0.5 / 4 + rest, rest
    after_1 = [(2 - 0.5) / 3 + 0.5 * 2 / 3 * p2, (1 - 0.5) / 3 + 0.5 * 2 / 3 * p2, 0.5 * 2 / 3 * p1, 0.5 * 2 / 3 * p0]
    p = model.probability(np.full((4, 1), 1), np.array([2, 3, 1, 0]))
    np.testing.assert_allclose(p, after_1, rtol=1e-14)
    np.testing.assert_allclose(model.probability(np.array([[0]]), np.array([1])), [p1], rtol=1e-14)


def test_of_order_one_it_counts_tokens() -> None:
    model = KneserNey([np.array([1, 1, 1, 2])], vocabulary=3, order=1, discount=0.5)
    p = model.probability(np.empty((3, 0), np.int64), np.array([1, 2, 0]))
    rest = 0.5 * 2 / 4 / 3
    np.testing.assert_allclose(p, [2.5 / 4 + rest, 0.5 / 4 + rest, rest], rtol=1e-14)


def test_discounts_are_estimated_from_what_occurs_once_and_twice() -> None:
    """Pairs: 12 three times, 23 and 34 twice, 51, 45, 31, 13 once: 4 / (4 + 2 · 2)."""
    text = np.array([1, 2, 3, 4, 5, 1, 2, 3, 1, 2, 0, 1, 3, 4])
    once, twice = 6, 2  # 45, 51, 31, 20, 01, 13; 23, 34
    model = KneserNey([text], vocabulary=6, order=2)
    assert model.discounts[1] == pytest.approx(once / (once + 2 * twice))


def test_a_discount_is_neither_none_nor_all() -> None:
    assert KneserNey([np.array([1, 2] * 9)], vocabulary=3, order=2).discounts[1] == 0.1
    assert KneserNey([np.arange(20)], vocabulary=20, order=2).discounts[1] == 0.9


@pytest.mark.parametrize("discount", [-0.1, 1.5])
def test_discounts_out_of_range_are_refused(discount: float) -> None:
    with pytest.raises(UsageError, match=rf"KneserNey: discount {discount} is not in \[0, 1\]"):
        KneserNey([np.array([1, 2])], vocabulary=3, order=2, discount=discount)


def test_on_plays_each_order_helps_and_it_beats_additive_smoothing() -> None:
    train, held_out, vocabulary = corpus({"MACBETH": plays()["MACBETH"]}, list, min_count=1)
    contexts, tokens = windows(held_out, 3)
    bits = [KneserNey(train, len(vocabulary), n).bits(contexts, tokens) for n in (1, 2, 3, 4)]
    assert bits == sorted(bits, reverse=True)
    assert bits[3] < Additive(train, len(vocabulary), 4, alpha=0.01).bits(contexts, tokens)
