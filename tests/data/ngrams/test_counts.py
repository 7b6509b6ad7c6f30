"""Counts of n-grams against those that a dictionary gives, and what is refused."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from ddtrain.data.ngrams.counts import NgramCounts, at_places
from ddtrain.errors import UsageError

TEXTS = [np.array(text, np.int64) for text in ([0, 1, 2, 0, 1, 1, 2, 0, 1, 2], [2, 0], [3], [], [1, 2, 0, 1, 2])]


def grams(n: int) -> Counter[tuple[int, ...]]:
    return Counter(tuple(map(int, text[i : i + n])) for text in TEXTS for i in range(len(text) - n + 1))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 12])
def test_every_ngram_is_counted_once_for_each_place(n: int) -> None:
    counts = NgramCounts(TEXTS, vocabulary=5, order=n)
    wanted = grams(n)
    assert len(counts.orders[n].counts) == len(wanted)
    for gram, count in wanted.items():
        assert at_places(counts.orders[n].counts, counts.find(np.array([gram])))[0] == count


@pytest.mark.parametrize("n", [1, 2, 3])
def test_preceded_counts_the_different_tokens_before(n: int) -> None:
    counts = NgramCounts(TEXTS, vocabulary=5, order=n + 1)
    before = Counter(gram[1:] for gram in grams(n + 1))
    for gram in grams(n):
        found = counts.orders[n].preceded[counts.find(np.array([gram]))]
        assert found[0] == before[gram], gram


def test_what_does_not_occur_has_no_place() -> None:
    counts = NgramCounts(TEXTS, vocabulary=5, order=3)
    assert counts.find(np.array([[2, 2, 0], [4, 0, 1], [0, 1, 2]])).tolist()[:2] == [-1, -1]
    assert counts.find(np.empty((2, 0), np.int64)).tolist() == [0, 0]  # the empty n-gram occurs
    assert counts.find(np.empty((0, 2), np.int64)).tolist() == []


def test_sums_by_context() -> None:
    counts = NgramCounts(TEXTS, vocabulary=5, order=2)
    followed = counts.followed(2, counts.orders[2].counts)
    assert followed.tolist() == [sum(c for g, c in grams(2).items() if g[0] == w) for w in range(4)]


def test_high_orders_of_a_large_vocabulary_do_not_overflow() -> None:
    text = np.random.default_rng(0).integers(0, 100_000, 500)
    counts = NgramCounts([text], vocabulary=100_000, order=9)
    assert counts.find(text[None, :9]).tolist() != [-1]
    assert len(counts.orders[9].counts) == 492


def test_an_order_below_one_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        NgramCounts(TEXTS, vocabulary=5, order=0)
    assert caught.value.one_line == "n-grams: order 0 is below 1: Give 1 for single tokens, 2 for pairs."


def test_tokens_outside_of_the_vocabulary_are_refused() -> None:
    with pytest.raises(UsageError, match=r"n-grams: tokens 0 to 3 are not all in \[0, 3\)"):
        NgramCounts(TEXTS, vocabulary=3, order=2)
